"""The settings: what a run would refuse, what is seldom meant, and what files and weights show."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunebook.book.described import Described
from tunebook.book.doctor.findings import CAUTION, WELL, WRONG, Finding, of_problems
from tunebook.book.doctor.machine import GIGA, cards_here, memory_here
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models import weights
from tunebook.schema import DataSettings, Settings
from tunebook.tasks import Task, task_of

MOST_READ = 200_000_000  # bytes of files whose content is compared
BYTES_A_WEIGHT = 4 + 4 + 8
"""Weight, gradient and Adam's two moments, in float32 (Rajbhandari et al. 2020, section 3.1)."""
SPLITS = ("train", "validation", "test")


def look_at_settings(described: Described) -> list[Finding]:
    """What is to be said of settings that a run would take."""
    settings = described.settings
    found = [
        *of_problems(CAUTION, described.advice),
        *of_problems(WRONG, _data(settings)),
        *_target_modules(described),
        *of_problems(CAUTION, _memory(described)),
        *of_problems(WRONG, _quantization(settings)),
        *(Finding(CAUTION, "model", note) for note in described.notes),
    ]
    if note := settings.data.note:
        found.append(Finding(WELL, "data", note))
    if note := settings.model.note:
        found.append(Finding(WELL, "model", note))
    return found


def _data(settings: Settings) -> list[Problem]:
    if settings.data.source != "files":
        return []
    from tunebook.data.faults import Notes
    from tunebook.data.files import open_files

    try:
        if _size(settings.data) <= MOST_READ:
            open_files(settings.data, Notes(lambda _: None))
    except RequestError as error:
        return error.problems
    return _columns(settings.data, task_of(settings.task))


def _size(data: DataSettings) -> int:
    return sum(path.stat().st_size for _, path in _files(data))


def _files(data: DataSettings) -> Iterator[tuple[str, Path]]:
    """The files that are given, with their split."""
    for split in SPLITS:
        path = os.path.expanduser(getattr(data, split) or "")
        if os.path.isfile(path):
            yield split, Path(path)


def _columns(data: DataSettings, task: Task) -> list[Problem]:
    """Columns that the first rows of each file do not have."""
    from tunebook.data.columns import Plan
    from tunebook.data.faults import Faults
    from tunebook.data.formats import READERS, read_file

    problems = []
    for split, path in _files(data):
        if path.suffix.lower() not in READERS:
            continue
        faults = Faults()
        batch = next(read_file(path, str(path), faults), None)
        names = batch.names() if batch else []
        missing = Plan.of(data, task).missing(names, f"data.{split}", str(path))
        problems += faults.problems() or [problem for _, problem in missing]
    return problems


def _target_modules(described: Described) -> Iterator[Finding]:
    """Layers named for LoRA that the model does not have; PEFT refuses only where all are wrong."""
    wanted: Sequence[str] = getattr(described.settings.method, "target_modules", None) or ()
    folder = described.facts.folder if described.facts else None
    if not wanted or folder is None:
        return
    layers = _layers(folder)
    missing = [name for name in wanted if not any(_is_layer(name, layer) for layer in layers)]
    if missing:
        ends = {layer.rpartition(".")[2] for layer in layers}
        what = f"the model has no layer {', '.join(missing)}"
        level = WRONG if len(missing) == len(wanted) else CAUTION
        yield Finding(level, "method.target_modules", what, did_you_mean(missing[0], ends))


def _layers(folder: Path) -> set[str]:
    """Names of the layers with a matrix."""
    return {
        name.removesuffix(".weight")
        for file in weights.files_of(folder)
        for name, tensor in weights.header_of(file).items()
        if len(tensor["shape"]) == 2
    }


def _is_layer(name: str, layer: str) -> bool:
    return layer == name or layer.endswith(f".{name}")


def _memory(described: Described) -> Iterator[Problem]:
    """Full fine-tuning of more weights than memory holds."""
    count = described.facts.parameters if described.facts else None
    if not described.settings.method.trains_base or not count:
        return
    _, total = memory_here()
    needed = count * BYTES_A_WEIGHT
    if not cards_here() and needed > total:
        what = f"{count:,} weights need {needed / GIGA:.0f} GB, and there are {total / GIGA:.0f}"
        yield Problem("method", what, "Choose method=lora or method=prompt.")


def _quantization(settings: Settings) -> Iterator[Problem]:
    if settings.model.quantization != "none" and not cards_here():
        what = f"{settings.model.quantization} needs an NVIDIA card, and none is found"
        yield Problem("model.quantization", what, "Set it to none.")
