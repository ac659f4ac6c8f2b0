"""Rows of train or validation whose inputs occur in test as well."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tunebook.data.notes import Notes
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

ROWS = 2000


def warn_of_overlap(splits: Mapping[str, Dataset], task: Task, notes: Notes) -> None:
    """Say how many rows of train and validation a model is later tested on."""
    tested = np.unique(input_hashes(splits["test"], task))
    fields = " and ".join(task.inputs)
    for split in ("train", "validation"):
        count = int(np.isin(input_hashes(splits[split], task), tested).sum())
        if count:
            notes.add(f"warning: {count} of {len(splits[split])} rows of {split} have the same "
                      f"{fields} as a row of test: scores may be too good")  # fmt: skip


def input_hashes(dataset: Dataset, task: Task) -> np.ndarray:
    """A 64-bit hash of each row's inputs, eight bytes a row in memory."""
    return np.fromiter(_hashes(dataset, task), dtype=np.uint64, count=len(dataset))


def _hashes(dataset: Dataset, task: Task) -> Iterator[int]:
    arrow = dataset.select_columns(list(task.inputs)).with_format("arrow")
    for table in arrow.iter(batch_size=ROWS):
        columns = [table.column(name).to_pylist() for name in task.inputs]
        for row in zip(*columns, strict=True):
            yield _hash(row)


def _hash(row: tuple[Any, ...]) -> int:
    texts = ["\n".join(value) if isinstance(value, list) else value for value in row]
    text = "\0".join(text.strip() for text in texts)
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
