"""What the commands share: flags, error messages, exit codes."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from tunebook import interruption, terminal
from tunebook.counting import counted
from tunebook.errors import Problem, RequestError, RunFailed
from tunebook.plugins import in_words, place_of
from tunebook.schema import Settings
from tunebook.system import is_full_memory, problem_of

DONE, FAILED, WRONG = 0, 1, 2
WHOLE_TRACEBACK = "TUNEBOOK_TRACEBACK"
Action = Callable[[Settings], object]


def answer(words: Sequence[str], action: Action, module: str) -> int:
    """Run `action` for each run that `words` ask for, and return the exit code."""
    return exit_code(
        lambda: _answer(list(words), action, module),
        interrupted="interrupted; the same command continues",
    )


def _answer(words: list[str], action: Action, module: str) -> int:
    if {"--help", "-h"} & set(words):
        from tunebook.command.help import help_text

        terminal.show(help_text(module))
        return DONE
    given = _flags(words)
    from tunebook.request.named_sweep import with_sweep
    from tunebook.request.request import read_request

    typed, named = with_sweep(given.words)
    request = read_request(typed, sweep=given.multirun or named)
    for note in request.notes:
        terminal.note(f"tunebook: {note}")
    if request.sweep and given.cfg:
        raise RequestError(Problem("--cfg", "shows one run", "Leave out -m."))
    if request.sweep:
        from tunebook.sweep.running import run_all

        outcomes = run_all(request, action)
        return DONE if all(one.is_well for one in outcomes) else FAILED
    (run,) = request.runs
    if given.cfg:
        _show(run.settings, fill=given.resolve)
    else:
        action(run.settings)
    return DONE


def _flags(words: Sequence[str]) -> argparse.Namespace:
    parser = Parser()
    parser.add_argument("words", nargs="*")
    parser.add_argument("-m", "--multirun", action="store_true")
    parser.add_argument("--cfg", choices=["job"])
    parser.add_argument("--resolve", action="store_true")
    given, unknown = parser.parse_known_intermixed_args(words)
    problems = [_unknown_flag(flag) for flag in unknown]
    if given.resolve and not given.cfg:
        problems.append(Problem("--resolve", "can only go with --cfg", "Add --cfg job."))
    if problems:
        raise RequestError(problems)
    return given


def _unknown_flag(flag: str) -> Problem:
    """Those of Hydra's that are no flags here are told from misspelt ones."""
    name = flag.partition("=")[0]
    if name == "--experimental-rerun":
        return Problem(name, "would unpickle a file", "Use recipe=RUN_FOLDER.")
    if name in ("--config-name", "--config-path", "--config-dir"):
        what = "is fixed; recipes outside the clone go into ./conf, or recipe=PATH"
        return Problem(name, what)
    return Problem(flag, "no such flag", "See --help.")


def _show(settings: Settings, *, fill: bool) -> None:
    from tunebook.runs.yaml_text import settings_text

    if fill:
        from tunebook.settings.resolve import resolve

        settings = resolve(settings).settings
    terminal.show(settings_text(settings), end="")


def refusal_text(error: RequestError, undone: str = "nothing was run") -> str:
    """Every problem on a line of its own, below their number."""
    head = counted(len(error.problems), "problem")
    lines = "\n".join(f"  - {problem}" for problem in error.problems)
    return f"tunebook: {head}; {undone}.\n{lines}"


def exit_code(
    work: Callable[[], int], *, undone: str = "nothing was run", interrupted: str = "interrupted",
    out_of_memory: str = "",
) -> int:  # fmt: skip
    """What `work` returns; or the code of how it ended, told in one line on standard error.

    All commands pass here: wrong requests, failures, what the system refuses, and signals.

    undone: what a wrong request left undone; out_of_memory: what to do where memory runs out.
    """
    with interruption.heard():
        try:
            return work()
        except BrokenPipeError:
            _forget_standard_output()
            return DONE
        except (Exception, KeyboardInterrupt) as error:
            number = interruption.came() or (signal.SIGINT if _is_interruption(error) else 0)
            if not number:
                return _how_it_ended(error, undone, out_of_memory)
            interruption.ends()
            terminal.note(f"tunebook: {interrupted}")
            return interruption.exit_code_of(number)


def _is_interruption(error: BaseException) -> bool:
    return isinstance(error, KeyboardInterrupt)


def _how_it_ended(
    error: BaseException, undone: str = "nothing was run", out_of_memory: str = ""
) -> int:
    if isinstance(error, RequestError):
        terminal.note(refusal_text(error, undone))
        return WRONG
    if interruption.came():
        raise KeyboardInterrupt from error
    terminal.note(f"tunebook: {_in_one_line(error, out_of_memory)}")
    return FAILED


def _in_one_line(error: BaseException, out_of_memory: str) -> str:
    if isinstance(error, RunFailed):
        return str(error)
    if problem := problem_of(error):
        _forget_standard_output()
        return str(problem)
    first = next(iter(str(error).strip().splitlines()), "")
    if out_of_memory and is_full_memory(first):
        return f"{type(error).__name__}: {first}. {out_of_memory}"
    if place := place_of(error):
        return f"{place}: {in_words(error)}"
    return _as_a_defect(error, first)


def _as_a_defect(error: BaseException, first: str) -> str:
    if os.environ.get(WHOLE_TRACEBACK):
        terminal.note(traceback.format_exc().rstrip())
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(place.filename).name}:{place.lineno}"
    what = f"this is a defect of Tunebook; please report it, with {WHOLE_TRACEBACK}=1"
    return f"{type(error).__name__}: {first} ({where}); {what}"


def _forget_standard_output() -> None:
    """Where it takes nothing more, so that Python does not fail once more at its end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class Parser(argparse.ArgumentParser):
    """Refuses a wrong flag as every other wrong request is refused; help is the command's own."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(add_help=False, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Called by argparse."""
        begins_with_dash = "one arg" in message
        remedy = "Text that begins with a dash: --text='-5 degrees'." if begins_with_dash else ""
        what = message.removeprefix("argument ")
        raise RequestError(Problem("", what, remedy or "See --help."))
