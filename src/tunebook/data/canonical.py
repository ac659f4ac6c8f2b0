"""Raw rows -> rows in the task's columns, with an id, a row number and references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tunebook.counting import counted
from tunebook.data import values
from tunebook.data.batches import Batch, DerivedBatch, has_column
from tunebook.data.columns import Column, Plan
from tunebook.data.conversations import Reply, read_conversation
from tunebook.data.faults import Faults
from tunebook.data.sources import Part, Source
from tunebook.data.values import WrongType, text_of, texts_of, whole

REFERENCES = "\0references"
"""The column of every right answer, wherever it was found; no file has one of this name."""
SIDECAR_REMEDY = "Give one line for each row, or rename the file."
TALKS_REMEDY = 'Each message is {"role": "user" or "assistant", "content": "text"}.'
UNUSED = (
    "the column references is not used, it may hold citations; "
    "data.fields.references=references makes it the references"
)


class CanonicalRows:
    """The usable rows of a source in the columns of a plan, and what was noticed on the way.

    `faults` are what cannot be read, `total` and `skipped` count rows, the latter by the field that
    is empty; `has_references` tells whether a column of references was found.
    """

    def __init__(self, source: Source, plan: Plan) -> None:
        self.source, self.plan, self.faults = source, plan, Faults()
        self.total, self.skipped = 0, Counter[str]()
        self.has_references = False
        self.notes: list[str] = []
        self._assumed = ""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in order, a few thousand at a time."""
        for part in self.source.parts(self.faults):
            yield from self._of_part(part)
            for note in self.faults.notes:
                self.note(note)

    def note(self, line: str) -> None:
        """Remember `line`, once."""
        if line not in self.notes:
            self.notes.append(line)

    def _of_part(self, part: Part) -> Iterator[pa.RecordBatch]:
        names: list[str] | None = None
        for batch in self._prepared(part):
            if names is None:
                names = batch.names()
                paths = self.plan.references_there(names)
                self.has_references |= bool(paths)
                missing = list(self.plan.missing(names, self.source.key, part.name))
                for column, problem in missing:
                    kind = f"column {column}"
                    self.faults.add(kind, problem.where, problem.what, problem.remedy)
                if "references" in names and not self.plan.has_references:
                    self.note(UNUSED)
            if missing:
                break
            if self.plan.has_references and REFERENCES not in batch.columns:
                batch.columns[REFERENCES] = self._references(batch, paths)
            if not has_column(names, self.plan.answer.path):
                batch.columns[self.plan.answer.path] = self._answers(batch)
            yield self._canonical(batch)

    def _prepared(self, part: Part) -> Iterator[DerivedBatch]:
        """The batches of `part`, a row a reply of a conversation, with the references beside it."""
        rows = 0
        for raw in part.batches:
            batch = self._replies(raw, self.plan.talks) if self.plan.talks else DerivedBatch(raw)
            if part.references is not None:
                batch.columns[REFERENCES] = [self._beside(part) for _ in range(len(batch))]
            rows += len(batch)
            yield batch
        more = sum(1 for _ in part.references or ()) if not self.faults else 0
        if more:
            there, wanted = counted(rows + more, "row"), counted(rows, "row")
            what = f"holds {there} of references, {part.name} holds {wanted}"
            self.faults.add("sidecar", part.references_name, what, SIDECAR_REMEDY)

    def _beside(self, part: Part) -> list[str] | None:
        assert part.references is not None
        texts = next(part.references, None)
        if texts is None and not self.faults:
            what = f"holds fewer rows of references than {part.name} holds rows"
            self.faults.add("sidecar", part.references_name, what, SIDECAR_REMEDY)
        return texts or None

    def _replies(self, batch: Batch, path: str) -> DerivedBatch:
        """A row for each reply of each conversation, its id made of the conversation's."""
        replies, origin, ids = list[Reply](), list[int](), list[str | None]()
        pairs = zip(batch.column(path), batch.column(self.plan.id_path), strict=True)
        for index, (value, given) in enumerate(pairs):
            found, own = self._replies_in(value, batch.place(index)), _own_id(given)
            replies += found
            origin += [index] * len(found)
            numbers = range(1, len(found) + 1)
            ids += [f"{own}-{n}" if own and len(found) > 1 else own for n in numbers]
        derived = DerivedBatch(batch, origin)
        derived.columns |= {path: replies, self.plan.id_path: ids}
        return derived

    def _replies_in(self, value: Any, place: str) -> list[Reply]:
        try:
            conversation = read_conversation(value)
        except WrongType as error:
            what = f"{self.plan.talks}: {error}"
            self.faults.add("type conversation", place, what, TALKS_REMEDY)
            return [Reply([], "")]
        if conversation.assumed and conversation.turns and not self._assumed:
            self._assumed = f"{self.plan.talks}: {conversation.assumed}"
            self.note(self._assumed)
        return conversation.replies()

    def _answers(self, batch: DerivedBatch) -> list[Any]:
        """An answer for rows that have references alone: the first of them, or all."""
        found = batch.columns[REFERENCES]
        return found if self.plan.answer.many else [texts and texts[0] for texts in found]

    def _references(self, batch: Batch, paths: Sequence[str]) -> list[list[str] | None]:
        if not paths:
            return [None] * len(batch)
        rows = zip(*map(batch.column, paths), strict=True)
        return [self._references_of(row, index, batch) for index, row in enumerate(rows)]

    def _references_of(self, row: Sequence[Any], index: int, batch: Batch) -> list[str] | None:
        try:
            return [text for value in row for text in texts_of(value)] or None
        except WrongType as error:
            self.faults.add("type references", batch.place(index), f"references: {error}")
            return None

    def _canonical(self, batch: DerivedBatch) -> pa.RecordBatch:
        numbers = np.arange(self.total + 1, self.total + 1 + len(batch), dtype=np.int64)
        found: dict[str, Any] = {"row": numbers}
        if batch.origin is not None:
            found["talk"] = numbers[np.searchsorted(batch.origin, batch.origin)]
        usable = np.ones(len(batch), dtype=bool)
        for column in self.plan.columns:
            found[column.name] = self._read(batch, column)
            if not column.may_be_empty:
                is_empty = np.array([not value for value in found[column.name]], dtype=bool)
                self.skipped[column.name] += int((is_empty & usable).sum())
                usable &= ~is_empty
        self.total += len(batch)
        found["id"] = [f"{self.source.split}-{number}" for number in numbers]
        found["own_id"] = [_own_id(value) for value in batch.column(self.plan.id_path)]
        found["references"] = batch.columns.get(REFERENCES, [])
        arrays = [self._array(found[one.name], one.type) for one in self.plan.schema]
        rows = pa.RecordBatch.from_arrays(arrays, schema=self.plan.schema)
        return rows if usable.all() else rows.filter(pa.array(usable))

    def _read(self, batch: Batch, column: Column) -> list[Any]:
        raw = batch.column(column.path)
        self._note_types(raw, column)
        return [self._value(value, index, batch, column) for index, value in enumerate(raw)]

    def _value(self, value: Any, index: int, batch: Batch, column: Column) -> Any:
        try:
            return column.read(value)
        except WrongType as error:
            remedy = f"Set data.fields.{column.name}=COLUMN (or COLUMN.KEY) to where the text is."
            what = f"{column.path}: {error}"
            self.faults.add(f"type {column.name}", batch.place(index), what, remedy)
            return None

    def _note_types(self, raw: list[Any], column: Column) -> None:
        path = column.path
        if any(type(value) in (int, float) and value == value for value in raw):
            self.note(f"{path} holds numbers: they are read as text")
        if not any(isinstance(value, str) and values.listed(value) is not value for value in raw):
            return
        if column.read in (values.texts_of, values.turns_of):
            self.note(f"{path} holds lists written as text: they are read as lists")
        elif column.read is text_of:
            self.note(f"warning: {path} holds lists written as text, which are taken for texts")

    def _array(self, found: Sequence[Any], kind: pa.DataType) -> pa.Array:
        try:
            return pa.array(found, kind)
        except UnicodeEncodeError:
            self.note("halves of broken characters are replaced by U+FFFD")
            return pa.array([whole(value) for value in found], kind)


def _own_id(value: Any) -> str | None:
    try:
        return text_of(value) or None
    except WrongType:
        return None
