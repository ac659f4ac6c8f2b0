"""What the system refuses becomes one line, whichever library met it."""

from __future__ import annotations

import errno
import os

import pytest

from tunebook.system import WORDS, problem_of


@pytest.mark.parametrize("number", WORDS)
def test_each_refusal_names_the_file_and_has_words(number: int) -> None:
    line = str(problem_of(OSError(number, os.strerror(number), "outputs/x")))
    assert line.startswith("outputs/x: ")
    assert "\n" not in line
    assert "Errno" not in line


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        Exception("Error while serializing: I/O error: No space left on device (os error 28)"),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0"),
        RuntimeError("PytorchStreamWriter failed writing file data/1: file write failed"),
    ],
)
def test_a_full_disk_is_told_as_such(error: Exception) -> None:
    assert "Make room; the same command continues" in str(problem_of(error))


def test_a_refusal_behind_another_error_is_found() -> None:
    error = ValueError("cannot save")
    error.__cause__ = OSError(errno.EROFS, "Read-only file system", b"/x")
    assert str(problem_of(error)).startswith("/x: lies on a disk that can only be read")


@pytest.mark.parametrize("error", [OSError("no model there"), ValueError("x"), KeyError("os")])
def test_other_errors_are_none(error: Exception) -> None:
    assert problem_of(error) is None
