"""The process that started a sweep: its workers end with it, however it ends.

A launcher may put processes of its own between the two, so that no parent tells: the sweep's
scratch folder says who started it, and on which machine. On another one nothing can be known.
"""

from __future__ import annotations

import _thread
import functools
import os
import platform
import threading
import time
from collections.abc import Mapping
from typing import Any

import psutil

LOOK = 1.0  # seconds between two looks
GRACE = 5.0  # seconds in which an interrupted run may write its status


def this_process() -> dict[str, Any]:
    """What tells this process from every other one, those of the same number included."""
    return {"host": platform.node(), "pid": os.getpid(), "began": psutil.Process().create_time()}


def has_ended(starter: Mapping[str, Any]) -> bool:
    """Whether the process of `this_process` is over; False where it was on another machine."""
    if starter["host"] != platform.node():
        return False
    try:
        there = psutil.Process(starter["pid"])
        zombie = there.status() == psutil.STATUS_ZOMBIE
        return zombie or abs(there.create_time() - starter["began"]) > 1.0
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def end_with(starter: Mapping[str, Any]) -> None:
    """From now on this process ends soon after the starter, unless it is the starter itself."""
    if starter["host"] == platform.node() and starter["pid"] != os.getpid():
        _watch(starter["pid"], starter["began"], os.getpid())


@functools.cache
def _watch(pid: int, began: float, _worker: int) -> None:
    starter = {"host": platform.node(), "pid": pid, "began": began}
    threading.Thread(target=_wait, args=(starter,), daemon=True).start()


def _wait(starter: Mapping[str, Any]) -> None:
    while not has_ended(starter):
        time.sleep(LOOK)
    _thread.interrupt_main()
    time.sleep(GRACE)
    os._exit(1)
