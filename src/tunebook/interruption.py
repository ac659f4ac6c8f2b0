"""Ctrl-C and SIGTERM end a command in one line, at whatever moment they come.

Imported before everything else, so it imports nothing heavy.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
TOLD = b"tunebook: interrupted\n"
ONE_PRESS = 1.0  # seconds within which several signals are one: fingers and supervisors repeat


class Terminated(KeyboardInterrupt):
    """SIGTERM: an interruption as Ctrl-C is."""


def leave_at_once() -> None:
    """Until a command is at work nothing has begun that would have to be ended well."""
    for number in _asked_to_be_heard():
        signal.signal(number, _leave)


def _asked_to_be_heard() -> list[signal.Signals]:
    """Not those that the caller has switched off, as nohup and shells do for the background."""
    return [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]


def _leave(number: int, _: FrameType | None = None) -> NoReturn:
    if not _now.is_ending:
        os.write(2, TOLD)
    os._exit(exit_code_of(number))


def exit_code_of(number: int) -> int:
    """What a shell gives for a process that the signal has ended."""
    return 128 + number


class Heard:
    """The signals that one command gets. number: of the first, 0 before there is one."""

    def __init__(self) -> None:
        self.number, self.since, self.is_ending = 0, 0.0, False

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Called by Python, between two steps of its own."""
        if self.number and time.monotonic() - self.since < ONE_PRESS:
            return
        if self.is_ending:
            _leave(number)
        self.number, self.since = number, time.monotonic()
        raise KeyboardInterrupt if number == signal.SIGINT else Terminated


_now = Heard()


@contextmanager
def heard() -> Iterator[Heard]:
    """Inside, a signal raises KeyboardInterrupt, whatever library is at work."""
    global _now
    _now = Heard()
    if threading.current_thread() is not threading.main_thread():
        yield _now
        return
    before = {number: signal.signal(number, _now) for number in _asked_to_be_heard()}
    try:
        yield _now
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def came() -> int:
    """The signal that the command has got, else 0: a library may make another error of it."""
    return _now.number


def ends() -> None:
    """The line is printed, and the command ends: a later signal has nothing to add."""
    _now.is_ending = True
