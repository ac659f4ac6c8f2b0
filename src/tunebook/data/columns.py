"""From the columns a data set has to the columns a task reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tunebook.data import values
from tunebook.data.batches import Batch, has_column
from tunebook.data.conversations import Reply
from tunebook.data.faults import Faults
from tunebook.errors import Problem, did_you_mean
from tunebook.tasks.task import Task

EXTRA_COLUMNS = ("id", "references")
"""Columns that any task may have besides its fields."""

SHOWN, MOST_COMPARED = 20, 1000
"""Columns named in a message, and those among which a misspelt one is looked for."""

WITH_LISTS = (values.texts_of, values.turns_of)
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
    has_references: bool = False
    _kinds: set[str] = field(default_factory=set)

    def note(self, line: str, *, once: str = "") -> None:
        """Remember `line` once; of those with the same `once` the first."""
        if line not in self.notes and once not in self._kinds:
            self.notes.append(line)
            self._kinds |= {once} if once else set()


def columns_of(task: Task, fields: Mapping[str, Any]) -> list[Column]:
    """How each field of `task` is read, given the user's mapping of fields to columns.

    Where a dialogue's history and response name the same column, that column holds whole
    conversations, and is read as a Reply a row.
    """
    talks = conversation_path(task, fields)
    return [
        Column(name, path, _reader(task, name, path == talks), known.many, known.may_be_empty)
        for name, known in task.fields.items()
        if (path := str(fields.get(name, name)))
    ]


def conversation_path(task: Task, fields: Mapping[str, Any]) -> str | None:
    """The column that holds whole conversations: the answer's and that of a field of turns."""
    answer = fields.get(task.answer, task.answer)
    turns = (name for name in task.inputs if task.fields[name].many)
    return answer if any(fields.get(name, name) == answer for name in turns) else None


def _reader(task: Task, name: str, in_conversation: bool) -> Callable[[Any], Any]:
    if in_conversation:
        return history_of if task.fields[name].many else response_of
    if not task.fields[name].many:
        return values.text_of
    return values.turns_of if name in task.inputs else values.texts_of


def history_of(reply: Reply) -> list[str]:
    """The turns before it."""
    return reply.history


def response_of(reply: Reply) -> str:
    """The reply itself."""
    return reply.response


def missing_columns(
    columns: list[Column], names: list[str], key: str, source: str
) -> list[tuple[str, Problem]]:
    """Each field whose column is not among the `names` that `source` has, with its problem."""
    return [
        (
            c.name,
            Problem(key, f"{source} has no column {c.path}; {there(names)}", _remedy(c, names)),
        )
        for c in columns
        if not has_column(names, c.path)
    ]


def there(names: Sequence[str]) -> str:
    """`it has a, b`; of very many columns the first."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(shown)}{more}" if names else "it has none"


def _remedy(column: Column, names: list[str]) -> str:
    numbered = [name for name in names if re.fullmatch(re.escape(column.path) + r"_?\d+", name)]
    if len(numbered) > 1:
        return f"Set data.fields.references=[{','.join(numbered)}]."
    near = did_you_mean(column.path, names[:MOST_COMPARED])
    if "Did you mean" not in near:
        return f"Set data.fields.{column.name}=COLUMN."
    guess = near.removeprefix("Did you mean ").rstrip("?")
    return f"{near} Set data.fields.{column.name}={guess}."


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
    _note_types(raw, column, tally)
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


def _note_types(raw: list[Any], column: Column, tally: Tally) -> None:
    if any(type(value) in (int, float) and value == value for value in raw):
        tally.note(f"{column.path} holds numbers: they are read as text")
    if not any(isinstance(value, str) and values.listed(value) is not value for value in raw):
        return
    if column.read in WITH_LISTS:
        tally.note(f"{column.path} holds lists written as text: they are read as lists")
    elif column.read is values.text_of:
        tally.note(f"warning: {column.path} holds lists written as text, which are taken for texts")


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
