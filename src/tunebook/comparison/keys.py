"""Settings by their full keys, and which of them matter to a comparison."""

from __future__ import annotations

import functools
from collections.abc import Container, Iterable

from tunebook.runs.fingerprint import FILES
from tunebook.settings.reading import every_key

SEED = "seed"
ONLY_FOR_TRAINING = ("training.", "data.limit.train", "data.limit.validation")
PER_ROW = (
    "task.instruction",
    "data.limit.train",
    "data.limit.validation",
    "data.max_skipped_share",
)
"""Keys of task and data that runs of one table may differ in: their rows show it."""


@functools.cache
def matters(key: str) -> bool:
    """Whether setting `key` can change a run's result."""
    parts = key.split(".")
    starts = {".".join(parts[: i + 1]) for i in range(len(parts))}
    return not starts & _without_effect()


@functools.cache
def _without_effect() -> frozenset[str]:
    silent = {key for key, field in every_key() if not field.metadata.get("changes_result", True)}
    return frozenset(silent | {"schema"})


def is_condition(key: str) -> bool:
    """Whether runs that differ in `key` cannot stand in one table: it says what is measured."""
    return key.startswith(("task.", "data.", "decoding.")) and key not in PER_ROW and matters(key)


def tells_rows_apart(key: str, *, trains: bool) -> bool:
    """Whether runs of one table that differ in `key` are different rows."""
    if key == SEED or is_condition(key) or not matters(key):
        return False
    return reaches(key, trains=trains)


def reaches(key: str, *, trains: bool) -> bool:
    """Whether setting `key` plays a part in a run that trains, or in a baseline."""
    return trains or not key.startswith(ONLY_FOR_TRAINING)


def is_path(key: str) -> bool:
    """Whether `key` names a file or folder whose content counts, not its name."""
    return key in FILES


def full_key(word: str, known: Container[str]) -> str | None:
    """The key that `word` means: itself, or a group's name; None where it means none."""
    named = f"{word}.name"
    return word if word in known else named if named in known else None


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """For each key its last word, as in run folders' names; the full key where two would clash."""
    keys = list(keys)
    ends = [key.removesuffix(".name").rsplit(".", 1)[-1] for key in keys]
    return {key: end if ends.count(end) == 1 else key for key, end in zip(keys, ends, strict=True)}
