"""Raw rows -> rows in the task's columns, with an id, a row number and references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tunebook.counting import counted
from tunebook.data.batches import Batch, has_column
from tunebook.data.columns import (
    TEXT,
    TEXTS,
    Column,
    Tally,
    as_array,
    convert,
    missing_columns,
)
from tunebook.data.faults import Faults
from tunebook.data.source import Part, Source
from tunebook.data.values import WrongType, text_of, texts_of
from tunebook.errors import Problem, RequestError

VERSION = 1
"""Part of the cache's key: raise it when rows are read differently."""

SIDECAR_REMEDY = "Give one line for each row, or rename the file."


@dataclass(frozen=True)
class Plan:
    """How a source is read: the task's columns, and those of ids and references, if any."""

    columns: list[Column]
    id_path: str
    references_path: str | None
    beside: bool

    @property
    def schema(self) -> pa.Schema:
        """The Arrow file's columns: a made id, the source's own id, the row number, the fields."""
        fields = [(column.name, column.type) for column in self.columns]
        more = [("references", TEXTS)] if self.references_path or self.beside else []
        return pa.schema([("id", TEXT), ("own_id", TEXT), ("row", pa.int64()), *fields, *more])

    def describe(self) -> str:
        """Everything that decides what is written, as text."""
        columns = [(c.name, c.path, c.read.__name__, c.may_be_empty) for c in self.columns]
        return repr((VERSION, columns, self.id_path, self.references_path, self.beside))


def canonical_batches(
    source: Source, plan: Plan, tally: Tally, faults: Faults
) -> Iterator[pa.RecordBatch]:
    """The usable rows of `source` in the columns of `plan`; faults and counts go where given.

    Raises RequestError where a column is missing.
    """
    checked = False
    for part in source.parts(faults):
        for batch in _aligned(part, faults):
            if not checked:
                _check_columns(batch, source.key, part.name, plan, faults)
                _note_unused_references(batch, plan, tally)
                checked = True
            yield _canonical(batch, part, source, plan, tally, faults)


def _check_columns(batch: Batch, key: str, name: str, plan: Plan, faults: Faults) -> None:
    names = batch.names()
    problems = missing_columns(plan.columns, names, key, name)
    path = plan.references_path
    if path and not has_column(names, path):
        what = f"{name} has no column {path}; it has {', '.join(names)}"
        problems.append(Problem(key, what, "Set data.fields.references=COLUMN."))
    if problems:
        raise RequestError(problems + faults.problems())


def _note_unused_references(batch: Batch, plan: Plan, tally: Tally) -> None:
    if "references" in batch.names() and not plan.references_path and not plan.beside:
        tally.note("the column references is not used, it may hold citations; "
                   "data.fields.references=references makes it the references")  # fmt: skip


def _aligned(part: Part, faults: Faults) -> Iterator[Batch]:
    """The batches of `part`, each with `beside`: its rows' references; reports a wrong count."""
    rows = 0
    for batch in part.batches:
        rows += len(batch)
        yield batch
    if part.references is not None and not faults:
        more = sum(1 for _ in part.references)
        if more:
            there, wanted = counted(rows + more, "row"), counted(rows, "row")
            what = f"holds {there} of references, {part.name} holds {wanted}"
            faults.add("sidecar", str(part.references_name), what, SIDECAR_REMEDY)


def _canonical(
    batch: Batch, part: Part, source: Source, plan: Plan, tally: Tally, faults: Faults
) -> pa.RecordBatch:
    numbers = np.arange(tally.total + 1, tally.total + 1 + len(batch), dtype=np.int64)
    references = _references(batch, part, plan, faults)
    arrays, usable = convert(batch, plan.columns, tally, faults)
    arrays["row"] = pa.array(numbers[usable])
    arrays["id"] = pa.array([f"{source.split}-{number}" for number in numbers[usable]], TEXT)
    own_ids = [_own_id(value) for value in _values(batch, plan.id_path)]
    arrays["own_id"] = as_array(_kept(own_ids, usable), TEXT, tally)
    if references is not None:
        arrays["references"] = as_array(_kept(references, usable), TEXTS, tally)
    return pa.RecordBatch.from_arrays([arrays[name] for name in plan.schema.names],
                                      schema=plan.schema)  # fmt: skip


def _kept(items: list[Any], usable: np.ndarray) -> list[Any]:
    return [item for item, keep in zip(items, usable, strict=True) if keep]


def _values(batch: Batch, path: str) -> list[Any]:
    column = batch.column(path)
    return column.to_pylist() if isinstance(column, pa.Array) else column


def _own_id(value: Any) -> str | None:
    try:
        return text_of(value) or None
    except WrongType:
        return None


def _references(
    batch: Batch, part: Part, plan: Plan, faults: Faults
) -> list[list[str] | None] | None:
    if part.references is not None:
        return _references_beside(batch, part, faults)
    if plan.references_path:
        return [
            _references_of(value, index, batch, faults)
            for index, value in enumerate(_values(batch, plan.references_path))
        ]
    return [None] * len(batch) if plan.beside else None


def _references_beside(batch: Batch, part: Part, faults: Faults) -> list[list[str] | None]:
    assert part.references is not None
    found: list[list[str] | None] = []
    for _ in range(len(batch)):
        texts = next(part.references, None)
        if texts is None and not faults:
            what = f"holds fewer rows of references than {part.name} holds rows"
            faults.add("sidecar", str(part.references_name), what, SIDECAR_REMEDY)
        found.append(texts or None)
    return found


def _references_of(value: Any, index: int, batch: Batch, faults: Faults) -> list[str] | None:
    try:
        return texts_of(value) or None
    except WrongType as error:
        faults.add("type references", batch.place(index), f"references: {error}")
        return None
