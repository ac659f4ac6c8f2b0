"""The machine: Python, libraries, graphics card, memory, disk."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil
from packaging.requirements import Requirement
from packaging.version import Version

from tunebook.book.doctor.findings import CAUTION, WELL, WRONG, Finding

GIGA = 1e9
LITTLE_DISK, LITTLE_MEMORY = 2 * GIGA, 2 * GIGA
PATIENCE = 1.0  # seconds for the card's driver to answer
ASK_CARD = ("nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader")
BFLOAT16_SINCE = Version("8.0")


@dataclass(frozen=True)
class Card:
    """An NVIDIA card, as its driver describes it."""

    name: str
    memory: str
    capability: str


def look_at_machine(outputs: Path) -> list[Finding]:
    """What this machine is, and what of it a run would stumble over."""
    cards = cards_here()
    return [
        Finding(WELL, "python", f"{platform.python_version()} on {_system()}"),
        *_libraries(),
        *_torch(cards),
        *(_card(card) for card in cards),
        *_processor(),
        *_disk(outputs, "outputs"),
        *_disk(_cache(), "downloads"),
    ]


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _libraries() -> Iterator[Finding]:
    """Every requirement of Tunebook that is missing or of another version."""
    wrong = list(_unmet())
    yield from wrong
    if not wrong:
        yield Finding(WELL, "libraries", "every requirement is met")


def _unmet() -> Iterator[Finding]:
    for line in metadata.requires("tunebook") or ():
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        remedy = f"Run: pip install '{wanted.name}{wanted.specifier}'"
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            yield Finding(WRONG, wanted.name, "is not installed", remedy)
            continue
        if not wanted.specifier.contains(Version(found).public, prereleases=True):
            what = f"{found} is installed; Tunebook needs {wanted.specifier}"
            yield Finding(WRONG, wanted.name, what, remedy)


def cards_here() -> list[Card]:
    """The NVIDIA cards that the driver knows; none where there is no driver."""
    try:
        done = subprocess.run(
            ASK_CARD, capture_output=True, text=True, timeout=PATIENCE, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    rows = (line.split(", ") for line in done.stdout.splitlines())
    return [Card(*row) for row in rows if len(row) == 3]


def _torch(cards: list[Card]) -> Iterator[Finding]:
    try:
        version = Version(metadata.version("torch"))
    except metadata.PackageNotFoundError:
        return
    if not cards:
        what = f"torch {version}: no NVIDIA card found, so runs compute in float32 on the CPU"
        mac = ", or on the Apple GPU" if platform.system() == "Darwin" else ""
        yield Finding(WELL, "device", what + mac)
    elif (version.local or "").startswith("cpu"):
        remedy = "Install the build for your CUDA: pytorch.org/get-started/locally"
        yield Finding(CAUTION, "device", f"torch {version} cannot use the card", remedy)
    else:
        yield Finding(WELL, "device", f"torch {version} on CUDA")


def _card(card: Card) -> Finding:
    has_bfloat16 = card.capability[:1].isdigit() and Version(card.capability) >= BFLOAT16_SINCE
    dtype = "bfloat16" if has_bfloat16 else "float32 (no bfloat16 before compute capability 8.0)"
    return Finding(WELL, "card", f"{card.name}, {card.memory}; runs compute in {dtype}")


def _processor() -> Iterator[Finding]:
    cores, threads = os.cpu_count() or 1, os.environ.get("OMP_NUM_THREADS")
    held_back = f", held to {threads} by OMP_NUM_THREADS" if threads else ""
    yield Finding(WELL, "processor", f"{cores} cores{held_back}")
    free, total = memory_here()
    what = f"{free / GIGA:.1f} of {total / GIGA:.1f} GB free"
    if free < LITTLE_MEMORY:
        yield Finding(CAUTION, "memory", what, "Close other programs, or take a smaller model.")
    else:
        yield Finding(WELL, "memory", what)


def memory_here() -> tuple[int, int]:
    """(bytes free, bytes in all)."""
    found = psutil.virtual_memory()
    return found.available, found.total


def _cache() -> Path:
    home = os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface"
    return Path(home).expanduser()


def _disk(folder: Path, name: str) -> Iterator[Finding]:
    places = (folder.absolute(), *folder.absolute().parents)
    there = next(place for place in places if place.exists())
    free = shutil.disk_usage(there).free
    what = f"{free / GIGA:.1f} GB free for {folder}"
    if not os.access(there, os.W_OK):
        yield Finding(WRONG, name, f"{there} cannot be written to", "Set outputs=FOLDER.")
    elif free < LITTLE_DISK:
        yield Finding(CAUTION, name, what, "Look at python -m recipes.book clean.")
    else:
        yield Finding(WELL, name, what)
