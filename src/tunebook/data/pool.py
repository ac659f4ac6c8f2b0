"""The usable rows of one split, in the task's columns, as a memory-mapped Arrow file.

Reading a source writes one folder in the datasets cache: `rows.arrow` and `summary.json`. Its name
is a hash of the content and of how it is read, so a second run with the same data reads nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tunebook.data.batches import Batch, has_column
from tunebook.data.columns import (
    TEXT,
    TEXTS,
    Column,
    Tally,
    as_array,
    columns_of,
    convert,
    missing_columns,
)
from tunebook.data.faults import Faults
from tunebook.data.notes import Notes
from tunebook.data.source import Part, Source
from tunebook.data.values import WrongType, text_of, texts_of
from tunebook.errors import Problem, RequestError
from tunebook.settings.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

VERSION = 1
"""Part of the cache's key: raise it when rows are read differently."""


@dataclass
class Pool:
    """Usable rows: `dataset` in canonical columns, and each row's number in its source."""

    key: str
    dataset: Dataset
    rows: np.ndarray


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


def read_pool(source: Source, settings: DataSettings, task: Task, notes: Notes) -> Pool:
    """The usable rows of `source`. Raises RequestError; says what was skipped and assumed."""
    plan = Plan(
        columns_of(task, settings.fields),
        settings.fields.get("id", "id"),
        settings.fields.get("references"),
        source.has_references,
    )
    folder = _cached(source, plan)
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for note in summary["notes"]:
        notes.add(f"{source.key}: {note}")
    _judge_skipped(source, summary, settings, notes)
    return _opened(folder, source, summary)


def _opened(folder: Path, source: Source, summary: dict[str, Any]) -> Pool:
    from datasets import Dataset

    dataset = Dataset.from_file(str(folder / "rows.arrow"))
    rows = dataset.data.column("row").to_numpy()
    kept = [name for name in dataset.column_names if name not in ("id", "own_id", "row")]
    identity = "own_id" if summary["own_ids"] else "id"
    dataset = dataset.select_columns([identity, *kept])
    return Pool(source.key, dataset if identity == "id" else dataset.rename_column(identity, "id"),
                rows)  # fmt: skip


def _judge_skipped(
    source: Source, summary: dict[str, Any], settings: DataSettings, notes: Notes
) -> None:
    total, reasons = summary["total"], summary["skipped"]
    skipped = sum(reasons.values())
    shown = ", ".join(f"{name} is empty ({count})" for name, count in reasons.items())
    if total == skipped:
        what = f"is an empty split: it has no usable row ({total} rows; {shown or 'nothing in it'})"
        raise RequestError(Problem(source.key, what, "Give rows with every field filled."))
    if skipped > settings.max_skipped_share * total:
        what = f"{skipped} of {total} rows are unusable: {shown}"
        remedy = (f"Fill them, check data.fields, or raise data.max_skipped_share"
                  f" (now {settings.max_skipped_share:g}).")  # fmt: skip
        raise RequestError(Problem(source.key, what, remedy))
    if skipped:
        notes.add(f"{source.key}: {skipped} of {total} rows skipped: {shown}")


def _cached(source: Source, plan: Plan) -> Path:
    described = f"{plan.describe()} {source.split} {source.content}"
    folder = _cache_root() / sha256(described.encode()).hexdigest()[:32]
    if not (folder / "summary.json").is_file():
        with _written_at_once(folder) as draft:
            _write(source, plan, draft)
    return folder


def _cache_root() -> Path:
    import datasets

    return Path(datasets.config.HF_DATASETS_CACHE) / "tunebook"


@contextmanager
def _written_at_once(folder: Path) -> Iterator[Path]:
    """A draft folder that becomes `folder` when everything is written, and vanishes otherwise."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix="draft-"))
    except OSError as error:
        what = f"the datasets cache {folder.parent} cannot be written: {error.strerror}"
        raise RequestError(Problem("HF_HOME", what, "Set HF_HOME to a folder of yours.")) from None
    try:
        yield draft
        try:
            os.replace(draft, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(source: Source, plan: Plan, draft: Path) -> None:
    faults, tally = Faults(), Tally()
    path = draft / "rows.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, plan.schema) as stream:
        for batch in _canonical_batches(source, plan, tally, faults):
            stream.write_batch(batch)
    if faults:
        raise RequestError(faults.problems())
    own_ids = _are_unique(path)
    if own_ids is False:
        tally.note(f"the column {plan.id_path} has empty or repeated values: rows are named by "
                   "their number")  # fmt: skip
    summary = {
        "total": tally.total,
        "skipped": {name: count for name, count in tally.skipped.items() if count},
        "own_ids": own_ids is True,
        "notes": tally.notes,
    }
    (draft / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def _are_unique(path: Path) -> bool | None:
    """Whether each row has an id of its own; None where there are no ids at all."""
    with pa.memory_map(str(path)) as file:
        column = pa.ipc.open_stream(file).read_all().column("own_id")
        if column.null_count == len(column):
            return None
        return column.null_count == 0 and pc.count_distinct(column).as_py() == len(column)


def _canonical_batches(
    source: Source, plan: Plan, tally: Tally, faults: Faults
) -> Iterator[pa.RecordBatch]:
    checked = False
    for part in source.parts(faults):
        for batch in _aligned(part, faults):
            if not checked:
                _check_columns(batch, source.key, part.name, plan, faults)
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


def _aligned(part: Part, faults: Faults) -> Iterator[Batch]:
    """The batches of `part`, each with `beside`: its rows' references; reports a wrong count."""
    rows = 0
    for batch in part.batches:
        rows += len(batch)
        yield batch
    if part.references is not None and not faults:
        more = sum(1 for _ in part.references)
        if more:
            what = f"holds {rows + more} rows of references, {part.name} holds {rows} rows"
            faults.add("sidecar", str(part.references_name), what, _SIDECAR_REMEDY)


_SIDECAR_REMEDY = "Give one line for each row, or rename the file."


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
            faults.add("sidecar", str(part.references_name), what, _SIDECAR_REMEDY)
        found.append(texts or None)
    return found


def _references_of(value: Any, index: int, batch: Batch, faults: Faults) -> list[str] | None:
    try:
        return texts_of(value) or None
    except WrongType as error:
        faults.add("type references", batch.place(index), f"references: {error}")
        return None
