"""Measure speed and memory beside stock PEFT and a plain loop: the same model, data and settings.

python -m recipes.bench
python -m recipes.bench bench.shape=smollm2_135m bench.batch=4 bench.virtual=20 --json speed.json
python -m recipes.bench model=tiny_llama method=lora bench.measure=training
python -m recipes.bench bench.measure=trainer
python -m recipes.bench bench.sweep=virtual bench.repeats=3 --plot virtual.png
python -m recipes.bench stock-decoding RUN

stock-decoding: what stock PEFT's batched generation makes of a run with a soft prompt, and what is
true. The plain loop is what a few lines of transformers and PEFT come to: the prompt computed once
a batch, logits at labels alone, rows sorted by length. Every other measurement runs in a fresh
process, the sides taking turns, which takes about a quarter of an hour with the defaults on one CPU
core; bench.repeats=1 gives a first idea.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

from tunebook import terminal
from tunebook.bench.settings import every_key, model_path, read_request
from tunebook.command.command import DONE, exit_code
from tunebook.errors import Problem, RequestError, did_you_mean

STOCK_DECODING = "stock-decoding"
WIDTH = 100
FILE_FLAGS = ("--json", "--plot")
FLAGS = (*FILE_FLAGS, "--model", "--help")


def main(words: list[str]) -> int:
    """0 when everything is measured, 1 when a measurement failed, 2 for a wrong request."""
    return exit_code(lambda: _measure(words))


def _measure(words: list[str]) -> int:
    if {"-h", "--help"} & set(words):
        terminal.show(_help())
        return DONE
    rest, flags = _split(words)
    files = {flag: Path(flags[flag]) for flag in FILE_FLAGS if flag in flags}
    _check_places(files)
    if rest[:1] == [STOCK_DECODING]:
        found = _stock_decoding(rest[1:], flags)
    else:
        found = _side_by_side(rest, files.get("--plot"), flags)
    if "--json" in files:
        text = json.dumps(found, indent=2, ensure_ascii=False)
        files["--json"].write_text(text + "\n", encoding="utf-8")
    return DONE


def _side_by_side(words: list[str], plot: Path | None, flags: dict[str, str]) -> dict[str, Any]:
    request = read_request(words)
    if "--model" in flags:
        raise RequestError(Problem("--model", "belongs to stock-decoding", "Write model=NAME."))
    if plot and not request.bench.sweep:
        raise RequestError(Problem("--plot", "belongs to a sweep", "Add bench.sweep=virtual."))
    if request.model:
        from tunebook.models.facts import facts_of
        from tunebook.schema import ModelSettings

        facts_of(ModelSettings(name=request.model, path=model_path(request.model)))
    from tunebook.bench import report

    return report.run(request, terminal.note, _console().print, plot)


def _stock_decoding(words: list[str], flags: dict[str, str]) -> dict[str, Any]:
    if len(words) != 1:
        what = "wants one RUN" if words else "RUN is missing"
        raise RequestError(Problem(STOCK_DECODING, what, "Give the folder of a finished run."))
    if "--plot" in flags:
        raise RequestError(Problem("--plot", "belongs to a sweep"))
    from tunebook.bench.stock_decoding import changed_texts, compare_decoding, decoding_table

    found = compare_decoding(words[0], terminal.note, flags.get("--model"))
    _console().print(decoding_table(found))
    terminal.show(changed_texts(found))
    return found


def _console() -> terminal.Console:
    """As wide as the terminal; wide enough for a table where there is none."""
    return terminal.console(width_of_a_pipe=WIDTH)


def _split(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words, and the flags with their values; --flag=VALUE and --flag VALUE are the same."""
    rest: list[str] = []
    flags: dict[str, str] = {}
    problems: list[Problem] = []
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if not name.startswith("-"):
            rest.append(word)
        elif name not in FLAGS:
            problems.append(Problem(name, "no such flag", did_you_mean(name, FLAGS)))
        elif value or (not equals and left):
            flags[name] = value or left.pop(0)
        else:
            problems.append(Problem(name, "wants a value", f"Write {name} FILE."))
    if problems:
        raise RequestError(problems)
    return rest, flags


def _check_places(files: dict[str, Path]) -> None:
    """A file that cannot be written is told before minutes of measuring."""
    problems = [
        Problem(f"{flag} {file}", "its folder is not there", "Make it first.")
        for flag, file in files.items()
        if not file.absolute().parent.is_dir()
    ]
    if problems:
        raise RequestError(problems)


def _help() -> str:
    flags = "Flags: --json FILE, --plot FILE (of a sweep), --help"
    keys = [_line(key, field) for key, field in every_key().items()]
    return "\n".join([(__doc__ or "").strip(), "", flags, "", "Keys, as KEY=VALUE:", *keys])


def _line(key: str, field: dataclasses.Field[Any]) -> str:
    made = field.default_factory
    default = made() if made is not dataclasses.MISSING else field.default
    shown = ",".join(map(str, default)) if isinstance(default, list) else default
    value = "" if shown is None else f" ({shown})"
    choices = field.metadata["choices"]
    listed = f" [{', '.join(choices)}]" if choices else ""
    return f"  {key}{value}\n      {field.metadata['description']}{listed}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
