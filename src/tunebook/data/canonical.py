"""Raw rows -> rows in the task's columns, with an id, a row number and references."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tunebook.counting import counted
from tunebook.data.batches import Batch, DerivedBatch, has_column
from tunebook.data.columns import (
    TEXT,
    TEXTS,
    Column,
    Tally,
    as_array,
    convert,
    missing_columns,
)
from tunebook.data.conversations import Reply, read_conversation
from tunebook.data.faults import Faults
from tunebook.data.source import Part, Source
from tunebook.data.values import WrongType, text_of, texts_of

VERSION = 2
"""Part of the cache's key: raise it when rows are read differently."""

SIDECAR_REMEDY = "Give one line for each row, or rename the file."
TALKS_REMEDY = 'Each message is {"role": "user" or "assistant", "content": "text"}.'


@dataclass(frozen=True)
class Plan:
    """How a source is read: the task's columns, and those of ids and references, if any.

    `talks` is the column of whole conversations, each of whose replies becomes a row.
    """

    columns: list[Column]
    answer: str
    id_path: str
    reference_paths: list[str]
    beside: bool
    talks: str | None

    @property
    def schema(self) -> pa.Schema:
        """The Arrow file's columns: a made id, the source's own id, the row number, the fields.

        Of conversations there is `talk` too: the same number for all replies of one.
        """
        fields = [("id", TEXT), ("own_id", TEXT), ("row", pa.int64())]
        fields += [("talk", pa.int64())] if self.talks else []
        fields += [(column.name, column.type) for column in self.columns]
        return pa.schema(fields + ([("references", TEXTS)] if self.has_references else []))

    @property
    def has_references(self) -> bool:
        """Whether rows may have several right answers."""
        return bool(self.reference_paths) or self.beside

    @property
    def answer_path(self) -> str:
        """The column of the answer."""
        return next(column.path for column in self.columns if column.name == self.answer)

    def describe(self) -> str:
        """Everything that decides what is written, as text."""
        columns = [(c.name, c.path, c.read.__name__, c.may_be_empty) for c in self.columns]
        return repr((VERSION, columns, self.id_path, self.reference_paths, self.beside, self.talks))


def canonical_batches(
    source: Source, plan: Plan, tally: Tally, faults: Faults
) -> Iterator[pa.RecordBatch]:
    """The usable rows of `source` in the columns of `plan`; faults and counts go where given."""
    for part in source.parts(faults):
        names: list[str] | None = None
        for batch in _aligned(part, plan, tally, faults):
            if names is None:
                names = batch.names()
                usable = _has_columns(names, source.key, part.name, plan, tally, faults)
                _note_unused_references(names, plan, tally)
            if not usable:
                break
            yield _canonical(batch, names, part, source, plan, tally, faults)
        for note in faults.notes:
            tally.note(note)


def _has_columns(
    names: list[str], key: str, name: str, plan: Plan, tally: Tally, faults: Faults
) -> bool:
    """Whether this part has every column; a missing one is a fault."""
    found = _there(names, plan)
    tally.has_references |= bool(found)
    needed = [column for column in plan.columns if column.name != plan.answer or not found]
    problems = missing_columns(needed, names, key, name)
    for column, problem in problems:
        faults.add(f"column {column}", problem.where, problem.what, problem.remedy)
    return not problems


def _there(names: list[str], plan: Plan) -> list[str]:
    return [path for path in plan.reference_paths if has_column(names, path)]


def _note_unused_references(names: list[str], plan: Plan, tally: Tally) -> None:
    if "references" in names and not plan.reference_paths and not plan.beside:
        tally.note("the column references is not used, it may hold citations; "
                   "data.fields.references=references makes it the references")  # fmt: skip


def _aligned(part: Part, plan: Plan, tally: Tally, faults: Faults) -> Iterator[Batch]:
    """The batches of `part`, a row a reply; reports a wrong count of references beside it."""
    rows = 0
    for batch in part.batches:
        batch = _replies(batch, plan, tally, faults) if plan.talks else batch
        rows += len(batch)
        yield batch
    if part.references is not None and not faults:
        more = sum(1 for _ in part.references)
        if more:
            there, wanted = counted(rows + more, "row"), counted(rows, "row")
            what = f"holds {there} of references, {part.name} holds {wanted}"
            faults.add("sidecar", str(part.references_name), what, SIDECAR_REMEDY)


def _replies(batch: Batch, plan: Plan, tally: Tally, faults: Faults) -> Batch:
    """A row for each reply of each conversation, its id made of the conversation's."""
    assert plan.talks is not None
    replies, origin, ids = list[Reply](), list[int](), list[str | None]()
    pairs = zip(_values(batch, plan.talks), _values(batch, plan.id_path), strict=True)
    for index, (value, given) in enumerate(pairs):
        found, own = _read_talk(value, index, batch, plan.talks, tally, faults), _own_id(given)
        replies += found
        origin += [index] * len(found)
        ids += [f"{own}-{n}" if own and len(found) > 1 else own for n in range(1, len(found) + 1)]
    return DerivedBatch(batch, {plan.talks: replies, plan.id_path: ids}, origin)


def _read_talk(
    value: Any, index: int, batch: Batch, path: str, tally: Tally, faults: Faults
) -> list[Reply]:
    try:
        conversation = read_conversation(value)
    except WrongType as error:
        faults.add("type conversation", batch.place(index), f"{path}: {error}", TALKS_REMEDY)
        return [Reply([], "")]
    if conversation.assumed and conversation.turns:
        tally.note(f"{path}: {conversation.assumed}", once="assumed")
    return conversation.replies()


def _canonical(
    batch: Batch, names: list[str], part: Part, source: Source, plan: Plan, tally: Tally,
    faults: Faults,
) -> pa.RecordBatch:  # fmt: skip
    numbers = np.arange(tally.total + 1, tally.total + 1 + len(batch), dtype=np.int64)
    references = _references(batch, part, _there(names, plan), plan, faults)
    talk = numbers[_first_of_same(batch)] if plan.talks else numbers
    if references is not None and not has_column(names, plan.answer_path):
        batch = DerivedBatch(batch, {plan.answer_path: _answers(references, plan)})
    arrays, usable = convert(batch, plan.columns, tally, faults)
    arrays["row"], arrays["talk"] = pa.array(numbers[usable]), pa.array(talk[usable])
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


def _first_of_same(batch: Batch) -> np.ndarray:
    """For each reply where the first one of its conversation stands."""
    assert isinstance(batch, DerivedBatch)
    return np.searchsorted(batch.origin, batch.origin)


def _answers(references: list[list[str] | None], plan: Plan) -> list[Any]:
    """An answer for rows that have references alone: the first of them, or all."""
    many = next(column.many for column in plan.columns if column.name == plan.answer)
    return [texts if many or not texts else texts[0] for texts in references]


def _references(
    batch: Batch, part: Part, paths: list[str], plan: Plan, faults: Faults
) -> list[list[str] | None] | None:
    if part.references is not None:
        return _references_beside(batch, part, faults)
    columns = [_values(batch, path) for path in paths]
    if not columns:
        return [None] * len(batch) if plan.has_references else None
    return [
        _references_of(row, index, batch, faults)
        for index, row in enumerate(zip(*columns, strict=True))
    ]


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


def _references_of(row: Any, index: int, batch: Batch, faults: Faults) -> list[str] | None:
    try:
        return [text for value in row for text in texts_of(value)] or None
    except WrongType as error:
        faults.add("type references", batch.place(index), f"references: {error}")
        return None
