"""A whole split read from front to back in Arrow, column by column.

The datasets library looks rows of a sample up one by one, about ten microseconds each. Samples are
in the order of the file, so here each record batch is cut to the rows that are wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset


def characters(dataset: Dataset, task: Task) -> np.ndarray:
    """How many characters the inputs and the answer of each row have together, int64 (rows,)."""
    columns = (*task.inputs, task.answer)
    counts = [
        sum(pc.utf8_length(texts).to_numpy().astype(np.int64) for texts in batch)
        for batch in scan(dataset, columns)
    ]
    return np.concatenate([np.zeros(0, np.int64), *counts])


def scan(dataset: Dataset, columns: Sequence[str]) -> Iterator[list[pa.Array]]:
    """The texts of `columns`, a few thousand rows at a time, in order of the rows.

    A field of several texts is one text with a line for each.
    """
    wanted, start = _positions(dataset), 0
    for batch in dataset.data.table.select(list(columns)).to_batches():
        end = start + batch.num_rows
        first, last = np.searchsorted(wanted, (start, end))
        if last - first < batch.num_rows:
            batch = batch.take(pa.array(wanted[first:last] - start))
        if batch.num_rows:
            yield [_texts(batch.column(name)) for name in columns]
        start = end


def _positions(dataset: Dataset) -> np.ndarray:
    """Where the rows of `dataset` stand in its Arrow table, in ascending order."""
    if dataset._indices is None:
        return np.arange(len(dataset))
    return dataset._indices.column(0).to_numpy().astype(np.int64)


def _texts(column: pa.Array) -> pa.Array:
    joined = pc.binary_join(column, "\n") if pa.types.is_list(column.type) else column
    return joined.cast(pa.large_string()).fill_null("")
