"""What the operating system refuses, in one line that says what to do."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator

from tunebook.errors import Problem

ROOM = "Make room; the same command continues."
ELSEWHERE = "Choose another place, such as outputs=FOLDER, or change its rights."
WORDS = {
    errno.ENOSPC: ("the disk is full", ROOM),
    errno.EDQUOT: ("the quota of this disk is used up", ROOM),
    errno.EFBIG: ("no file may become as large here", "Raise the limit: see ulimit -f."),
    errno.EROFS: ("lies on a disk that can only be read", ELSEWHERE),
    errno.EACCES: ("this user may not do that", ELSEWHERE),
    errno.EPERM: ("this user may not do that", ELSEWHERE),
    errno.ENOENT: ("is not there", ""),
    errno.ESTALE: ("is not there any more", ""),
    errno.EEXIST: ("is there already", "Move it away."),
    errno.ENOTDIR: ("a part of this path is a file, not a folder", "Move it away."),
    errno.EISDIR: ("is a folder, not a file", "Move it away."),
    errno.ELOOP: ("is a link that may not be followed", "Move it away."),
    errno.ENAMETOOLONG: ("the name is too long", "Choose a shorter one."),
    errno.EMFILE: ("too many files are open", "Raise the limit: see ulimit -n."),
    errno.ENFILE: ("too many files are open", "Close other programs."),
    errno.EIO: ("the disk reports an error", "Copy what is on it, and choose another."),
    errno.ENOMEM: ("the memory is full", "Close other programs."),
    errno.ENOSYS: ("the disk cannot do that", "Choose a place on another: outputs=FOLDER."),
}
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
OF_RUST = re.compile(r"\(os error (\d+)\)")
OF_TORCH = ("PytorchStreamWriter failed", "inline_container.cc", "file write failed")

OF_MEMORY = ("out of memory", "not enough memory", "allocate memory")


def is_full_memory(words: str) -> bool:
    """Whether an error with these words tells that memory has run out, on a card or beside it."""
    return any(sign in words.lower() for sign in OF_MEMORY)


def problem_of(error: BaseException) -> Problem | None:
    """What the system refused where that is behind `error`; else None.

    The libraries that write weights tell of it in words of their own.
    """
    return next(filter(None, map(_problem_of, _with_causes(error))), None)


def _with_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _problem_of(error: BaseException) -> Problem | None:
    if isinstance(error, OSError) and error.errno is not None:
        return _in_words(error.errno, error.filename2 or error.filename)
    text = str(error)
    if found := OF_RUST.search(text):
        return _in_words(int(found[1]), None)
    if any(sign in text for sign in OF_TORCH):
        return Problem("", "a file could not be written to its end, as on a full disk", ROOM)
    return None


def _in_words(number: int, file: object) -> Problem:
    what, remedy = WORDS.get(number, (os.strerror(number), ""))
    if file is None and number in (errno.ENOENT, errno.ESTALE):
        return Problem("", "the current folder, or a file, is not there any more")
    return Problem(os.fsdecode(file) if isinstance(file, str | bytes) else "", what, remedy)
