"""Make an embedded base from nothing but this repository.

python -m recipes.pretrain model=tiny_t5
python -m recipes.pretrain model=tiny_llama minutes=10 output=/tmp/tiny_llama
"""

from __future__ import annotations

import sys
from pathlib import Path

from tunebook import terminal
from tunebook.command.command import DONE, exit_code
from tunebook.errors import Problem, RequestError
from tunebook.pretraining.settings import resolve

BASES = Path(__file__).resolve().parents[1] / "src" / "tunebook" / "models" / "embedded"


def main(arguments: list[str]) -> int:
    """Run with `key=value` arguments; 2 for a request that is wrong."""
    return exit_code(lambda: _pretrain(arguments), undone="nothing was trained")


def _pretrain(arguments: list[str]) -> int:
    if {"-h", "--help"} & set(arguments):
        terminal.show((__doc__ or "").strip())
        return DONE
    wrong = [Problem(word, "give key=value") for word in arguments if "=" not in word]
    if wrong:
        raise RequestError(wrong)
    overrides = dict(argument.split("=", 1) for argument in arguments)
    output = overrides.pop("output", "")
    settings = resolve(overrides)
    from tunebook.pretraining.loop import pretrain

    pretrain(settings, Path(output) if output else BASES / settings.model)
    return DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
