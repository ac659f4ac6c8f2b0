"""environment.json: what a result was made with."""

from __future__ import annotations

import functools
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "tunebook", "torch", "transformers", "peft", "datasets", "accelerate", "tokenizers",
    "evaluate", "sacrebleu", "rouge_score", "hydra-core", "numpy", "safetensors", "bitsandbytes",
)  # fmt: skip
THAT_CHANGE_RESULTS = ("tunebook", "peft", "transformers", "torch")


@functools.cache
def versions() -> dict[str, str]:
    """The installed version of each package that matters; absent ones are left out."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def environment(device: str, dtype: str, device_name: str, threads: int) -> dict[str, Any]:
    """Versions, commit, system, device and threads."""
    return {
        "packages": versions(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "git": commit(),
        "device": device,
        "device_name": device_name,
        "dtype": dtype,
        "threads": threads,
    }


def commit() -> dict[str, Any] | None:
    """The checkout's commit and whether it had changes; None outside a checkout."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "HEAD")
    return {"commit": head, "dirty": bool(_git(root, "status", "--porcelain"))} if head else None


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],  # noqa: S607
            capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def differences(then: Mapping[str, Any]) -> list[str]:
    """Packages whose version today is another than in the environment `then`."""
    now, before = versions(), then.get("packages", {})
    return [
        f"{name} {before.get(name, 'none')} (today {now.get(name, 'none')})"
        for name in THAT_CHANGE_RESULTS
        if before.get(name) != now.get(name)
    ]
