"""The usable rows of one split, in the task's columns, as a memory-mapped Arrow file.

Reading a source writes one folder in the datasets cache: `rows.arrow` and `summary.json`. Its name
is a hash of the content and of how it is read, so a second run with the same data reads nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tunebook.counting import counted
from tunebook.data.canonical import CanonicalRows
from tunebook.data.columns import Plan, reference_paths
from tunebook.data.faults import Notes
from tunebook.data.sources import Source
from tunebook.errors import Problem, RequestError, either
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass
class UsableRows:
    """What a source gives: `dataset` in canonical columns, and each row's number in its source.

    `talks`: the number of the conversation that each row is of, where rows are replies.
    `has_references`: whether a column of references was found.
    """

    key: str
    dataset: Dataset
    numbers: np.ndarray
    talks: np.ndarray | None = None
    has_references: bool = False


def read_sources(
    sources: Mapping[str, Source], settings: DataSettings, task: Task, notes: Notes
) -> dict[str, UsableRows]:
    """The usable rows of each source. Raises RequestError with the problems of all of them."""
    problems: list[Problem] = []
    found: dict[str, UsableRows] = {}
    for split, source in sources.items():
        try:
            found[split] = _read(source, settings, task, notes)
        except RequestError as error:
            problems += error.problems
    paths = reference_paths(settings)
    if paths and found and not any(rows.has_references for rows in found.values()):
        what, key = f"no split has a column {either(paths)}", "data.fields.references"
        problems.append(Problem(key, what, f"Set {key}=COLUMN."))
    if problems:
        raise RequestError(problems)
    return found


def _read(source: Source, settings: DataSettings, task: Task, notes: Notes) -> UsableRows:
    """The usable rows of `source`. Raises RequestError; says what was skipped and assumed."""
    folder = _cached(source, Plan.of(settings, task, beside=source.has_references))
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for note in summary["notes"]:
        notes.add(f"{source.key}: {note}")
    _judge_skipped(source, summary, settings, notes)
    return _opened(folder, source, summary)


def _opened(folder: Path, source: Source, summary: dict[str, Any]) -> UsableRows:
    from datasets import Dataset

    dataset = Dataset.from_file(str(folder / "rows.arrow"))
    rows = dataset.data.column("row").to_numpy()
    talks = dataset.data.column("talk").to_numpy() if "talk" in dataset.column_names else None
    kept = [name for name in dataset.column_names if name not in ("id", "own_id", "row", "talk")]
    identity = "own_id" if summary["own_ids"] else "id"
    dataset = dataset.select_columns([identity, *kept])
    dataset = dataset if identity == "id" else dataset.rename_column(identity, "id")
    return UsableRows(source.key, dataset, rows, talks, summary["has_references"])


def _judge_skipped(
    source: Source, summary: dict[str, Any], settings: DataSettings, notes: Notes
) -> None:
    total, reasons = summary["total"], summary["skipped"]
    skipped = sum(reasons.values())
    shown = ", ".join(f"{name} is empty ({count})" for name, count in reasons.items())
    if total == skipped:
        rows = f"{counted(total, 'row')}; {shown or 'nothing in it'}"
        what = f"is an empty split: it has no usable row ({rows})"
        raise RequestError(Problem(source.key, what, "Give rows with every field filled."))
    if skipped > settings.max_skipped_share * total:
        share = f"data.max_skipped_share (now {settings.max_skipped_share:g})"
        what = f"{skipped} of {total} rows are unusable: {shown}"
        remedy = f"Fill them, check data.fields, or raise {share}."
        raise RequestError(Problem(source.key, what, remedy))
    if skipped:
        notes.add(f"{source.key}: {skipped} of {total} rows skipped: {shown}")


def _cached(source: Source, plan: Plan) -> Path:
    key = f"{plan.describe()} {source.split} {source.content}".encode("utf-8", "backslashreplace")
    folder = _cache_root() / sha256(key).hexdigest()[:32]
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
    rows, path = CanonicalRows(source, plan), draft / "rows.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, plan.schema) as stream:
        for batch in rows.batches():
            stream.write_batch(batch)
    if rows.faults:
        raise RequestError(rows.faults.problems())
    own_ids = _are_unique(path)
    if own_ids is False:
        what = "has empty or repeated values: rows are named by their number"
        rows.note(f"the column {plan.id_path} {what}")
    summary = {
        "total": rows.total,
        "skipped": {name: count for name, count in rows.skipped.items() if count},
        "own_ids": own_ids is True,
        "has_references": rows.has_references,
        "notes": rows.notes,
    }
    (draft / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def _are_unique(path: Path) -> bool | None:
    """Whether each row has an id of its own; None where there are no ids at all."""
    with pa.memory_map(str(path)) as file:
        column = pa.ipc.open_stream(file).read_all().column("own_id")
        if column.null_count == len(column):
            return None
        return column.null_count == 0 and pc.count_distinct(column).as_py() == len(column)
