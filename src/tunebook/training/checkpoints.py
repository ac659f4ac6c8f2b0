"""Checkpoints that are whole or are not used.

The last file of a checkpoint says what every other one was. A checkpoint that was cut off has no
such file; one that lost or changed a file afterwards does not agree with it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunebook.runs.files import read_json, write_json

SEAL, DRAFT = "whole.json", ".draft"


def seal(checkpoint: Path) -> None:
    """Write down what each file of `checkpoint` is: from now on it is whole."""
    write_json(checkpoint / SEAL, {file: _digest(checkpoint / file) for file in _files(checkpoint)})


def publish(checkpoint: Path, place: Path) -> None:
    """Seal `checkpoint` and move it into `place`, in one step."""
    seal(checkpoint)
    shutil.rmtree(place / checkpoint.name, ignore_errors=True)
    checkpoint.replace(place / checkpoint.name)
    shutil.rmtree(place / DRAFT, ignore_errors=True)


def last_whole(folder: Path, say: Callable[[str], object]) -> Path | None:
    """The newest whole checkpoint in `folder`; newer ones are told, and deleted, as drafts are."""
    shutil.rmtree(folder / DRAFT, ignore_errors=True)
    for checkpoint in sorted(folder.glob("checkpoint-*"), key=step_of, reverse=True):
        fault = fault_of(checkpoint)
        if not fault:
            return checkpoint
        say(f"{checkpoint.name} is not whole ({fault}): it is left out")
        shutil.rmtree(checkpoint, ignore_errors=True)
    return None


@contextmanager
def room_made_after_failure(folder: Path) -> Iterator[None]:
    """A checkpoint that a failure cut off is deleted: on a full disk the status needs its room."""
    try:
        yield
    except Exception:
        shutil.rmtree(folder / DRAFT, ignore_errors=True)
        raise


def step_of(checkpoint: Path) -> int:
    """The step behind which it was written; -1 where the name gives none."""
    number = checkpoint.name.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else -1


def fault_of(checkpoint: Path) -> str:
    """Why it cannot be continued from; empty where it can."""
    sealed = read_json(checkpoint / SEAL)
    if not isinstance(sealed, dict) or not sealed or step_of(checkpoint) < 0:
        return "it was not written to its end"
    for name, digest in sealed.items():
        try:
            if _digest(checkpoint / name) != digest:
                return f"{name} has changed"
        except OSError:
            return f"{name} cannot be read"
    return ""


def _files(checkpoint: Path) -> list[str]:
    found = (file.relative_to(checkpoint) for file in checkpoint.rglob("*") if file.is_file())
    return sorted(str(name) for name in found if name.name != SEAL)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
