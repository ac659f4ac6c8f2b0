"""Turn a finished run into another format.

python -m recipes.export prefix RUN
python -m recipes.export prefix RUN --output FOLDER

prefix: the soft prompt of a decoder-only model as a stock PEFT prefix-tuning adapter (the keys and
values that it compiles to). It gives the same answers, and PEFT's own batched generation is right
for it.
"""

from __future__ import annotations

import argparse
import sys

from tunebook import terminal
from tunebook.command.command import DONE, Parser, exit_code
from tunebook.errors import Problem, RequestError, did_you_mean

FORMATS = ("prefix",)
FLAGS = ("--output", "--model", "--help")


def main(words: list[str]) -> int:
    """0 when it is written, 1 when it failed, 2 for a wrong request."""
    return exit_code(lambda: _export(words))


def _export(words: list[str]) -> int:
    given, unknown = _parser().parse_known_args(words)
    if given.help:
        terminal.show(_parser().format_help())
        return DONE
    _check(given, unknown)
    from tunebook.predicting.export import export_prefix
    from tunebook.report import say

    say(f"{export_prefix(given.run, given.output, model=given.model)}")
    return DONE


def _parser() -> Parser:
    parser = Parser(prog="python -m recipes.export", description=__doc__)
    add = parser.add_argument
    add("format", nargs="?", metavar="FORMAT", help="prefix")
    add("run", nargs="?", metavar="RUN", help="folder of a finished run")
    add("--output", metavar="FOLDER", help="where to write; RUN/prefix if not given")
    add("--model", metavar="FOLDER", help="the run's base model, where it has moved")
    add("-h", "--help", action="store_true", help="show this")
    return parser


def _check(given: argparse.Namespace, unknown: list[str]) -> None:
    problems = [_not_understood(word) for word in unknown]
    if given.format is None:
        problems.append(Problem("FORMAT", "is missing", f"Choose from: {', '.join(FORMATS)}."))
    elif given.format not in FORMATS:
        what = f"{given.format!r} is no format"
        problems.append(Problem("FORMAT", what, did_you_mean(given.format, FORMATS)))
    if given.run is None:
        problems.append(Problem("RUN", "is missing", "Give the folder of a finished run."))
    if problems:
        raise RequestError(problems)


def _not_understood(word: str) -> Problem:
    flag = word.partition("=")[0]
    return Problem(flag, "is not understood", did_you_mean(flag, FLAGS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
