"""Rows that have the same inputs: in two splits, or in one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tunebook.data.faults import Notes
from tunebook.data.scanning import scan
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

VERY_LONG = 1_000_000
"""Characters from which on only the white space around a text is left out: words cost memory."""
PAIRS = {
    ("train", "test"): "scores may be too good",
    ("validation", "test"): "scores may be too good",
    ("validation", "train"): "what is chosen on validation was trained on",
}


def report(splits: Mapping[str, Dataset], settings: DataSettings, task: Task, notes: Notes) -> None:
    """Say how many rows stand in two splits, and how many repeat the inputs of another."""
    keys = {split: input_keys(dataset, task) for split, dataset in splits.items()}
    fields = " and ".join(task.inputs)
    for (one, other), so in PAIRS.items():
        if count := int(np.isin(keys[one], keys[other]).sum()):
            notes.add(f"warning: {count} of {len(keys[one])} rows of {one} have the same {fields} "
                      f"as a row of {other}: {so}")  # fmt: skip
    for split, found in keys.items():
        count = len(found) - len(np.unique(found))
        if count and not (settings.group and split != "train"):
            notes.add(f"{count} of {len(found)} rows of {split} repeat the {fields} of another"
                      f"{'' if split == 'train' else GROUP}")  # fmt: skip


GROUP = "; data.group=true scores them as references of one row"


def input_keys(dataset: Dataset, task: Task) -> np.ndarray:
    """A number for the inputs of each row, equal where they differ at most in white space.

    int64 (rows,); good within one process. Two of a million different rows are equal with a
    probability of 3e-8.
    """
    keys = [
        np.fromiter(map(_key, *(column.to_pylist() for column in columns)), np.int64)
        for columns in scan(dataset, task.inputs)
    ]
    return np.concatenate([np.zeros(0, np.int64), *keys])


def _key(*texts: str) -> int:
    return hash("\0".join(map(_folded, texts)))


def _folded(text: str) -> str:
    return " ".join(text.split()) if len(text) < VERY_LONG else text.strip()
