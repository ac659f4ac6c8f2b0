"""Rows of train or validation whose inputs occur in test as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tunebook.data.notes import Notes
from tunebook.data.scanning import scan
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset


def warn_of_overlap(splits: Mapping[str, Dataset], task: Task, notes: Notes) -> None:
    """Say how many rows of train and validation a model is later tested on."""
    tested = pa.chunked_array(_inputs(splits["test"], task), pa.large_string()).unique()
    fields = " and ".join(task.inputs)
    for split in ("train", "validation"):
        found = [pc.is_in(texts, value_set=tested) for texts in _inputs(splits[split], task)]
        count = sum(is_tested.true_count for is_tested in found)
        if count:
            notes.add(f"warning: {count} of {len(splits[split])} rows of {split} have the same "
                      f"{fields} as a row of test: scores may be too good")  # fmt: skip


def _inputs(dataset: Dataset, task: Task) -> Iterator[pa.Array]:
    """Each row's inputs as one text, without white space around them."""
    for batch in scan(dataset, task.inputs):
        trimmed = [pc.utf8_trim_whitespace(texts) for texts in batch]
        yield pc.binary_join_element_wise(*trimmed, pa.scalar("\0", pa.large_string()))
