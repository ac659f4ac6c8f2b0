"""What the commands share: flags, error messages, exit codes, and the hand-over to Hydra."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from recipes import interruption
from tunebook import terminal
from tunebook.counting import counted
from tunebook.errors import Problem, RequestError, RunFailed
from tunebook.plugins import in_words, place_of
from tunebook.schema import Settings
from tunebook.system import is_full_memory, problem_of

if TYPE_CHECKING:
    from recipes.request import Request

DONE, FAILED, WRONG = 0, 1, 2
WHOLE_TRACEBACK = "TUNEBOOK_TRACEBACK"
SWEEP_FLAGS = ("-m", "--multirun")
"""They may stand anywhere; Hydra takes words behind them for flags."""
Action = Callable[[Settings], object]


def answer(words: Sequence[str], action: Action, module: str) -> int:
    """Run `action` for each run that `words` ask for, and return the exit code."""
    return exit_code(
        lambda: _answer(list(words), action, module),
        interrupted="interrupted; the same command continues",
    )


def _answer(words: list[str], action: Action, module: str) -> int:
    if {"--help", "-h"} & set(words):
        from recipes.help import help_text

        terminal.show(help_text(module))
        return DONE
    from hydra._internal.utils import get_args_parser

    from recipes.named_sweep import with_sweep
    from recipes.request import read_request, runs_words

    words, named = with_sweep(sorted(words, key=lambda word: word not in SWEEP_FLAGS))
    parser = get_args_parser()
    parser.error = _refuse_flag  # type: ignore[method-assign]
    given, unknown = parser.parse_known_args(words)
    _check_flags(given, unknown)
    request = read_request(given.overrides, sweep=given.multirun or named)
    for note in request.notes:
        terminal.note(f"tunebook: {note}")
    if given.cfg == "job" and not given.package:
        return _show(given.overrides, given.resolve)
    flags = [word for word in words if word not in given.overrides]
    if request.sweep and (given.cfg or given.info):
        raise RequestError(Problem("--cfg", "shows one run", "Leave out -m."))
    if request.sweep:
        return _sweep(request, action, [module, *flags, *([] if given.multirun else ["-m"])])
    outcomes: list[int] = []
    with _arguments([module, *flags, *runs_words(request)]):
        _hydra(lambda config: outcomes.append(_one(config, action)))
    return max(outcomes, default=DONE)


def _sweep(request: Request, action: Action, start: list[str]) -> int:
    from recipes.sweep import run_all

    def launch(words: list[str], job: Callable[[Any], object]) -> None:
        with _arguments([*start, *words]):
            _hydra(job)

    outcomes = run_all(request, action, launch)
    return DONE if all(one.is_well for one in outcomes) else FAILED


@contextmanager
def _arguments(words: list[str]) -> Iterator[None]:
    """Hydra reads `words` as if they had been typed."""
    typed, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = typed


def _refuse_flag(message: str) -> NoReturn:
    flag, _, what = message.removeprefix("argument ").partition(": ")
    raise RequestError(Problem(flag, what, "See --help."))


def _check_flags(given: Any, unknown: list[str]) -> None:
    problems = [Problem(flag, "no such flag", "See --help.") for flag in unknown]
    if given.experimental_rerun:
        what = "would unpickle a file"
        problems.append(Problem("--experimental-rerun", what, "Use recipe=RUN_FOLDER."))
    if (given.resolve or given.package) and not given.cfg:
        problems.append(Problem("--resolve/--package", "only go with --cfg", "Add --cfg job."))
    if given.config_name or given.config_path:
        what = "is fixed; recipes outside the clone go into ./conf, or recipe=PATH"
        problems.append(Problem("--config-name/--config-path", what))
    if problems:
        raise RequestError(problems)


def _show(words: Sequence[str], fill: bool) -> int:
    from recipes.request import compose
    from tunebook.runs.yaml_text import settings_text

    settings = compose(list(words))
    if fill:
        from tunebook.settings.resolve import resolve

        settings = resolve(settings).settings
    terminal.show(settings_text(settings), end="")
    return DONE


def _hydra(job: Callable[[Any], object]) -> None:
    import hydra

    from recipes.composition import CONFIG, VERSION_BASE
    from tunebook.folders import shipped_conf

    def run(config: Any) -> None:
        job(config)

    hydra.main(str(shipped_conf()), CONFIG, VERSION_BASE)(run)()


def _one(config: Any, action: Action) -> int:
    from hydra.core.hydra_config import HydraConfig

    from recipes.composition import choices_of, plain
    from recipes.request import settings_of

    own = HydraConfig.get()
    try:
        settings = settings_of(
            plain(config), choices_of(own).get("recipe"), list(own.overrides.task)
        )
        action(settings)
    except Exception as error:  # here and not behind Hydra, which has words of its own for it
        return _how_it_ended(error)
    return DONE


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
