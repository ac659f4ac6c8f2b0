"""Find, understand, copy, compare and check recipes.

python -m recipes.book list                      every recipe and option, with its one line
python -m recipes.book list task=qa method=lora  recipes for this task and method
python -m recipes.book show NAME                 every setting, and where it came from
python -m recipes.book copy NAME NEW             conf/recipe/NEW.yaml, to be changed
python -m recipes.book copy RUN_FOLDER NEW       a recipe that reproduces a finished run
python -m recipes.book diff A B                  settings that differ
python -m recipes.book doctor NAME               is this machine ready, are these settings wise?
python -m recipes.book clean                     what outputs/ holds; --remove removes

NAME, A and B: a recipe, a recipe's file, or a run folder. show, copy and doctor take KEY=VALUE too,
written as for recipes.run. Each has its own --help.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tunebook import terminal
from tunebook.command.command import DONE, WRONG, Parser, exit_code
from tunebook.errors import Problem, RequestError, did_you_mean

Words = Sequence[str]
Command = Callable[[list[str]], int]


def main(words: list[str]) -> int:
    """0 when it is done, 1 when what was looked at is not well, 2 for a wrong request."""
    return exit_code(lambda: _answer(words), undone="nothing was done")


def _answer(words: list[str]) -> int:
    name, rest = (words[0], words[1:]) if words else ("--help", [])
    if name in ("--help", "-h"):
        terminal.show((__doc__ or "").strip())
        return DONE
    if name not in COMMANDS:
        what = f"{name!r} is no command of the book"
        raise RequestError(Problem("", what, did_you_mean(name, COMMANDS)))
    return COMMANDS[name](rest)


def _list(words: list[str]) -> int:
    from tunebook.book import entries, listing

    parser = _parser("list", "[GROUP ...] [task=NAME] [method=NAME] [model=NAME]")
    given = _read(parser, words)
    filters = _filters([word for word in given.words if "=" in word])
    named = [word for word in given.words if "=" not in word]
    known = entries.groups()
    problems = [
        Problem(word, "there is no such group", did_you_mean(word, known))
        for word in named
        if word not in known
    ]
    if problems:
        raise RequestError(problems)
    listing.show(named, filters)
    return DONE


def _filters(words: Words) -> dict[str, list[str]]:
    from tunebook.book.entries import FILTERS

    problems, found = [], dict[str, list[str]]()
    for word in words:
        key, _, values = word.partition("=")
        if key not in FILTERS:
            what = f"recipes are filtered by {', '.join(FILTERS)}"
            problems.append(Problem(word, what, did_you_mean(key, FILTERS)))
        found.setdefault(key, []).extend(filter(None, values.split(",")))
    if problems:
        raise RequestError(problems)
    return found


def _show(words: list[str]) -> int:
    from tunebook.book import showing
    from tunebook.book.describing import describe

    parser = _parser("show", "[NAME] [KEY=VALUE ...] [--all] [--changed]")
    parser.add_argument("--all", action="store_true", help="keys that change no result, too")
    parser.add_argument(
        "--changed", action="store_true", help="only what differs from the defaults"
    )
    given = _read(parser, words)
    name, changes = _name_and_words(given.words, "show")
    showing.show(describe(name, changes), everything=given.all, changed=given.changed)
    return DONE


def _copy(words: list[str]) -> int:
    from tunebook.book import copying
    from tunebook.book.describing import describe

    parser = _parser("copy", "NAME NEW [KEY=VALUE ...] [--to PATH]")
    parser.add_argument("--to", metavar="PATH", help="a .yaml file, or the folder for NEW.yaml")
    given = _read(parser, words)
    names, changes = _parted(given.words)
    if len(names) not in (1, 2) or (len(names) == 1 and not given.to):
        remedy = "Write: python -m recipes.book copy NAME NEW"
        raise RequestError(Problem("copy", "wants a recipe and a new name", remedy))
    target = copying.target_of(names[0], names[1] if len(names) == 2 else None, given.to)
    described = describe(names[0], changes)
    assert described.file is not None
    copying.write(described, described.file, names[0], target)
    command = copying.command_for(target)
    terminal.show(f"wrote {target}\n\nChange it; see what it would do, then run it:\n")
    terminal.show(f"  {command} dry_run=true\n  {command}")
    return DONE


def _diff(words: list[str]) -> int:
    from tunebook.book import showing
    from tunebook.book.describing import describe

    parser = _parser("diff", "A [B] [--all]")
    parser.add_argument("--all", action="store_true", help="keys that change no result, too")
    given = _read(parser, words)
    if len(given.words) not in (1, 2):
        raise RequestError(Problem("diff", "wants two names", "Write: diff A B"))
    one = describe(given.words[0])
    if len(given.words) == 2:
        other = describe(given.words[1])
    elif one.settings.parent:
        one, other = describe(one.settings.parent), one
    else:
        what = "has no parent to be compared with"
        raise RequestError(Problem(given.words[0], what, "Write: diff A B"))
    showing.show_differences(one, other, everything=given.all)
    return DONE


def _doctor(words: list[str]) -> int:
    from tunebook.book import doctor
    from tunebook.book.describing import describe

    given = _read(_parser("doctor", "[NAME] [KEY=VALUE ...]"), words)
    name, changes = _name_and_words(given.words, "doctor")
    try:
        described = describe(name, changes)
    except RequestError as error:
        machine = doctor.look_at_machine(Path("outputs"))
        doctor.show(machine, doctor.of_problems(doctor.WRONG, error.problems))
        return WRONG
    findings = doctor.look_at_settings(described)
    return doctor.show(doctor.look_at_machine(Path(described.settings.outputs)), findings)


def _clean(words: list[str]) -> int:
    from tunebook.book import cleaning

    parser = _parser("clean", "[FOLDER ...] [KEY=VALUE ...] [--older-than AGE] [--remove]")
    add = parser.add_argument
    add("--older-than", metavar="AGE", help="runs that ended so long ago: 12h, 30d, 6w")
    add("--larger-than", metavar="SIZE", help="runs of at least so much: 500kB, 20MB, 1GB")
    add("--all", action="store_true", help="every run in the folders")
    add("--kept-answers", action="store_true", help="answers of untouched models, too")
    add("--trials", action="store_true", help="trials of searches instead of runs")
    add("--remove", action="store_true", help="remove what is listed; without it nothing changes")
    given = _read(parser, words)
    named, settings = _parted(given.words)
    folders = [Path(word) for word in named or [cleaning.OUTPUTS]]
    pick = cleaning.pick_from(
        settings,
        given.older_than,
        given.larger_than,
        everything=given.all,
        answers=given.kept_answers,
        trials=given.trials,
    )
    return cleaning.clean(folders, pick, remove=given.remove)


def _name_and_words(words: Words, command: str) -> tuple[str | None, list[str]]:
    names, changes = _parted(words)
    if len(names) > 1:
        what = f"takes one name, got {' '.join(names)}"
        raise RequestError(Problem(command, what, "A recipe, its file, or a run folder."))
    return next(iter(names), None), changes


def _parted(words: Words) -> tuple[list[str], list[str]]:
    """(names, settings)."""
    settings = [word for word in words if _is_setting(word)]
    return [word for word in words if word not in settings], settings


def _is_setting(word: str) -> bool:
    """Whether `word` is KEY=VALUE and not the path of a file, which may hold an equals sign."""
    key, equals, _ = word.partition("=")
    return bool(equals) and "/" not in key and not Path(word).exists()


def _parser(command: str, usage: str) -> Parser:
    parser = Parser(prog=f"python -m recipes.book {command}", usage=f"%(prog)s {usage}")
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("-h", "--help", action="store_true", help="show this")
    return parser


def _read(parser: Parser, words: list[str]) -> argparse.Namespace:
    """Raises RequestError for flags that there are not."""
    given, unknown = parser.parse_known_intermixed_args(words)
    if given.help:
        terminal.show(parser.format_help())
        sys.exit(DONE)
    flags = [flag for one in parser._actions for flag in one.option_strings]
    problems = [Problem(word, "is not understood", did_you_mean(word, flags)) for word in unknown]
    if problems:
        raise RequestError(problems)
    return given


COMMANDS: dict[str, Command] = {
    "list": _list,
    "show": _show,
    "copy": _copy,
    "diff": _diff,
    "doctor": _doctor,
    "clean": _clean,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
