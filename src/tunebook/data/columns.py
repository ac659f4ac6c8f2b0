"""From the columns a data set has to the columns a task reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tunebook.data import values
from tunebook.data.batches import Batch, has_column
from tunebook.data.faults import Faults
from tunebook.errors import Problem, did_you_mean
from tunebook.tasks.task import Task

EXTRA_COLUMNS = ("id", "references")
"""Columns that any task may have besides its fields."""

TEXT, TEXTS = pa.string(), pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """How one field is read: from which column, by which function, and whether it may be empty."""

    name: str
    path: str
    read: Callable[[Any], Any]
    many: bool
    may_be_empty: bool

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the field."""
        return TEXTS if self.many else TEXT


@dataclass
class Tally:
    """What was noticed while rows were converted."""

    total: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def note(self, line: str) -> None:
        """Remember `line` once."""
        if line not in self.notes:
            self.notes.append(line)


def columns_of(task: Task, fields: Mapping[str, str]) -> list[Column]:
    """How each field of `task` is read, given the user's mapping of fields to columns.

    Where a dialogue's history and response name the same column, that column holds whole
    conversations: the response is the last assistant turn and the history all turns before it.
    """
    paths = {name: fields.get(name, name) for name in task.fields}
    return [
        Column(name, paths[name], _reader(task, name, paths), known.many, known.may_be_empty)
        for name, known in task.fields.items()
    ]


def _reader(task: Task, name: str, paths: Mapping[str, str]) -> Callable[[Any], Any]:
    many_input = task.fields[name].many and name in task.inputs
    if many_input and paths[name] == paths[task.answer]:
        return values.history_of
    if name == task.answer and any(
        task.fields[other].many and paths[other] == paths[name] for other in task.inputs
    ):
        return values.response_of
    if many_input:
        return values.turns_of
    return values.texts_of if task.fields[name].many else values.text_of


def missing_columns(
    columns: list[Column], names: list[str], key: str, source: str
) -> list[Problem]:
    """One problem for each field whose column is not among the `names` that `source` has."""
    there = f"it has {', '.join(names)}" if names else "it has none"
    return [
        Problem(key, f"{source} has no column {c.path}; {there}", _mapping_remedy(c, names))
        for c in columns
        if not has_column(names, c.path)
    ]


def _mapping_remedy(column: Column, names: list[str]) -> str:
    near = did_you_mean(column.path, names)
    guess = near.removeprefix("Did you mean ").rstrip("?") if "Did you mean" in near else "COLUMN"
    prefix = f"{near} " if guess != "COLUMN" else ""
    return f"{prefix}Set data.fields.{column.name}={guess}."


def convert(
    batch: Batch, columns: list[Column], tally: Tally, faults: Faults
) -> tuple[dict[str, pa.Array], np.ndarray]:
    """Each field of the usable rows of `batch`, and a mask of which rows those are."""
    arrays: dict[str, pa.Array] = {}
    usable = np.ones(len(batch), dtype=bool)
    for column in columns:
        arrays[column.name], empty = _read_column(batch, column, tally, faults)
        if not column.may_be_empty:
            tally.skipped[column.name] += int((empty & usable).sum())
            usable &= ~empty
    tally.total += len(batch)
    mask = pa.array(usable)
    return {name: array.filter(mask) for name, array in arrays.items()}, usable


def _read_column(
    batch: Batch, column: Column, tally: Tally, faults: Faults
) -> tuple[pa.Array, np.ndarray]:
    raw = batch.column(column.path)
    if isinstance(raw, pa.Array) and column.read is values.text_of:
        return raw, _blank(raw)
    raw = raw.to_pylist() if isinstance(raw, pa.Array) else raw
    _note_numbers(raw, column, tally)
    read = [_read_value(value, index, batch, column, faults) for index, value in enumerate(raw)]
    return as_array(read, column.type, tally), np.array([not value for value in read], dtype=bool)


def _read_value(value: Any, index: int, batch: Batch, column: Column, faults: Faults) -> Any:
    try:
        return column.read(value)
    except values.WrongType as error:
        remedy = f"Set data.fields.{column.name}=COLUMN (or COLUMN.KEY) to where the text is."
        faults.add(f"type {column.name}", batch.place(index), f"{column.path}: {error}", remedy)
        return None


def _blank(array: pa.Array) -> np.ndarray:
    blank = pc.equal(pc.utf8_trim_whitespace(array), "").fill_null(True)
    return blank.to_numpy(zero_copy_only=False)


def _note_numbers(raw: list[Any], column: Column, tally: Tally) -> None:
    if any(type(value) in (int, float) and value == value for value in raw):
        tally.note(f"{column.path} holds numbers: they are read as text")


def as_array(texts: list[Any], kind: pa.DataType, tally: Tally) -> pa.Array:
    """`texts` as an Arrow array; halves of broken characters are replaced by U+FFFD."""
    try:
        return pa.array(texts, kind)
    except UnicodeEncodeError:
        tally.note("halves of broken characters are replaced by U+FFFD")
        return pa.array([_whole(text) for text in texts], kind)


def _whole(text: Any) -> Any:
    if isinstance(text, list):
        return [_whole(item) for item in text]
    if text is None:
        return None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
