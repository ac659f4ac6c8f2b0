"""How much memory a piece of work takes: of the process on a CPU, of the card's tensors on CUDA."""

from __future__ import annotations

import gc
import resource
import sys
from pathlib import Path

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class PeakMemory:
    """Made after the model is loaded; `bytes` are then what was most in use since.

    On a CPU this is the resident set of the process (VmHWM, set back at the start where the system
    allows it, else the whole process's ru_maxrss), on CUDA torch's max_memory_allocated.
    """

    def __init__(self, device: str) -> None:
        gc.collect()
        self.device, self.baseline = device, 0
        if device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
            self.baseline = int(torch.cuda.memory_allocated())
        else:
            self._reset()
            self.baseline = _status("VmRSS") or self.bytes

    @staticmethod
    def _reset() -> None:
        try:
            RESET.write_text("5")
        except OSError:
            return

    @property
    def bytes(self) -> int:
        """The most in use since the start; Linux counts a peak to within some pages."""
        if self.device == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated())
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = _status("VmHWM") or (most if sys.platform == "darwin" else most * 1024)
        return max(found, self.baseline)


def _status(name: str) -> int:
    """A line of /proc/self/status in bytes; 0 where there is none."""
    try:
        lines = STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name)), 0)
