"""A folder in which one process works; the system lets go of it however that process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

LOCK = ".lock"


class Lock:
    """The lock of `folder`: a file in it, held open. No link is followed."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / LOCK
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take it, unless another process has it. Raises OSError where no lock can be there."""
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(self.file, flags, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._let_go()
            return False
        except OSError as error:
            self._let_go()
            raise OSError(error.errno, error.strerror, str(self.file)) from None
        if not self.is_held():  # deleted by the process that had it, just now
            self._let_go()
            return self.acquire()
        return True

    def is_held(self) -> bool:
        """Whether the folder has this very lock: it has not been deleted or replaced."""
        if self._descriptor is None:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.lstat(self.file))
        except OSError:
            return False

    def release(self) -> None:
        """Delete the file and let go; in this order, and not where it is another process's."""
        if self.is_held():
            self.file.unlink(missing_ok=True)
        self._let_go()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None


def is_at_work(folder: Path) -> bool:
    """Whether a process holds the folder's lock; one that a killed process left is removed."""
    lock = Lock(folder)
    if not lock.file.is_file():
        return False
    try:
        free = lock.acquire()
    except OSError:
        return False
    lock.release()
    return not free
