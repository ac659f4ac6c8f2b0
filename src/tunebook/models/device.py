"""Where the model computes and in which number format, each choice with its reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tunebook.errors import Problem, RequestError

if TYPE_CHECKING:
    from tunebook.schema import ModelSettings

BFLOAT16_SINCE = (8, 0)
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"),
                    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # fmt: skip
"""Of Linux control groups, version 2 and 1."""


def choose_device(settings: ModelSettings) -> tuple[str, str]:
    """The device (cuda, then mps, then cpu) and why. Raises RequestError for one not here."""
    available = _available()
    if settings.device is None:
        device = next(iter(available))
        return device, available[device]
    if settings.device not in available:
        what = f"this machine has no {settings.device} device that torch can use"
        raise RequestError(Problem("model.device", what, _remedy(settings.device, available)))
    return settings.device, "as asked"


def choose_dtype(settings: ModelSettings, device: str) -> tuple[str, str]:
    """The number format of weights and arithmetic on `device`, and why.

    bfloat16 needs CUDA compute capability 8.0 (Ampere). Raises RequestError where it is missing.
    """
    if settings.dtype == "bfloat16" and device == "cuda" and not _has_bfloat16():
        what = f"this card ({_capability_text()}) has no bfloat16"
        raise RequestError(Problem("model.dtype", what, "Use float32, or leave model.dtype out."))
    if settings.dtype:
        return settings.dtype, "as asked"
    if device == "cuda" and _has_bfloat16():
        return "bfloat16", f"CUDA, {_capability_text()}"
    if device == "cuda":
        return "float32", f"CUDA, {_capability_text()}: no bfloat16 before 8.0"
    return "float32", "CPU" if device == "cpu" else device


def placement(device: str) -> str:
    """The device with its number: under torchrun each process takes the card of its LOCAL_RANK."""
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" else device


def memory_of(device: str) -> int:
    """Bytes of memory that `device` has; on a CPU what the machine, or the container, may use."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.get_device_properties(device).total_memory)
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = (file.read_text().strip() for file in CONTAINER_LIMITS if file.is_file())
    return min([machine, *(int(limit) for limit in limits if limit.isdigit())])


def _available() -> dict[str, str]:
    """The devices of this machine, the best first, each with what it is."""
    import torch

    found = {}
    if torch.cuda.is_available():
        found["cuda"] = torch.cuda.get_device_name(0)
    if torch.backends.mps.is_available():
        found["mps"] = "Apple GPU"
    return found | {"cpu": "torch sees no GPU"}


def _remedy(wanted: str, available: dict[str, str]) -> str:
    import torch

    build = ""
    if wanted == "cuda" and torch.version.cuda is None:
        build = f" The installed torch {torch.__version__} is built without CUDA."
    return f"Here: {', '.join(available)}; leave model.device out to take the best.{build}"


def _capability() -> tuple[int, int]:
    import torch

    return torch.cuda.get_device_capability(0)


def _has_bfloat16() -> bool:
    return _capability() >= BFLOAT16_SINCE


def _capability_text() -> str:
    major, minor = _capability()
    return f"compute capability {major}.{minor}"
