"""The most memory that a run has held."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import resource
import sys
from pathlib import Path


def forget_peak_memory() -> None:
    """Let `peak_memory` begin anew: several runs of one process are measured apart.

    What the run before has freed goes back to the system first, where the C library can do that.
    """
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    with contextlib.suppress(OSError, AttributeError):  # glibc alone
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):  # Linux alone; see proc_pid_clear_refs(5)
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory(device: str) -> int:
    """The most bytes that this run has held, on the card where there is one."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated())
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text().splitlines()
        (most,) = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        return int(most) * 1024
    most_ever = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most_ever if sys.platform == "darwin" else most_ever * 1024
