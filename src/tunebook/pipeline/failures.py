"""What becomes of a run that fails: a status in its folder, and one line for the user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tunebook.errors import RequestError, RunFailed
from tunebook.plugins import place_of
from tunebook.runs import RunFolder
from tunebook.schema import Settings
from tunebook.system import is_full_memory, problem_of


@contextmanager
def failures_recorded(folder: RunFolder, settings: Settings) -> Iterator[None]:
    """A failure is written into the folder and told in one line; what was reached is kept."""
    try:
        yield
    except (RequestError, KeyboardInterrupt):
        folder.interrupt()
        raise
    except Exception as error:
        reason = _reason(_of_the_folder(folder) or error)
        folder.fail(settings, reason)
        raise RunFailed(_in_a_line(reason, settings), folder.path) from error


@contextmanager
def failures_told(settings: Settings) -> Iterator[None]:
    """A failure is told in one line where there is no folder to write it into."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        raise RunFailed(_in_a_line(_reason(error), settings)) from error


def _of_the_folder(folder: RunFolder) -> RunFailed | None:
    """Why nothing can be written, where the folder is gone."""
    try:
        folder.check_is_there()
    except RunFailed as error:
        return error
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, RunFailed):
        return error.reason
    if problem := problem_of(error):
        return str(problem)
    if isinstance(error, MemoryError):
        return "MemoryError: out of memory"
    place = place_of(error)
    reason = f"{type(error).__name__}: {error}".strip()
    return f"{place}: {reason}" if place else reason


def _in_a_line(reason: str, settings: Settings) -> str:
    is_memory = is_full_memory(reason)
    return reason.splitlines()[0] + (f". {_remedy(settings)}" if is_memory else "")


def _remedy(settings: Settings) -> str:
    """What lowers the memory most: positions that are learned, rows at a time, the model itself."""
    if settings.method.virtual_tokens > settings.template.max_source_tokens:
        return "Lower method.num_virtual_tokens"
    if (settings.training.batch_size or 1) > 1:
        return "Lower training.batch_size and raise training.gradient_accumulation_steps"
    return "Choose a smaller model, or one number format down: model.dtype=bfloat16"


@contextmanager
def variables_restored() -> Iterator[None]:
    """What the libraries put into the environment of the process ends with the run."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
