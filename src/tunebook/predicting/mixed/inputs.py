"""A file of rows for several runs: every row for all of them, or each for the run that it names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.data.batches import Batch, has_column
from tunebook.data.faults import Faults
from tunebook.data.formats import read_file
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.predicting.fields import reads
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.inputs import (
    ID,
    TEXT_FILE,
    InputFile,
    Wanted,
    check_mapping,
    check_path,
    every_row,
    listed_values,
    open_input,
)

Say = Callable[[str], None]
RUN = "run"
"""The column that names a row's run by its label or folder."""


@dataclass(frozen=True)
class MixedRow:
    """One row: its id, or its number from 1, and its fields for each run that is to answer."""

    id: str | int
    fields: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class MixedInput:
    """The same file as each run reads it. `by_row`: each row names its own run."""

    files: dict[str, InputFile]
    by_row: bool

    @property
    def one(self) -> InputFile:
        """Any of them: path, count and content are the same for all."""
        return next(iter(self.files.values()))

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.one.count

    def rows(self) -> Iterator[MixedRow]:
        """Every row, in order."""
        for rows in zip(*(file.rows() for file in self.files.values()), strict=True):
            fields = {
                label: row.fields for label, row in zip(self.files, rows, strict=True) if row.fields
            }
            yield MixedRow(rows[0].id, fields)


def open_mixed_input(
    given: str | Path, runs: Mapping[str, FinishedRun], mapping: Mapping[str, str], say: Say
) -> MixedInput:
    """The file at `given`, every row checked for each run that is to answer it.

    A column `run` (or the one that `mapping` names for it) gives each row its run. The rest is as
    in tunebook.predicting.inputs. Raises RequestError with every problem found.
    """
    path, column = Path(os.path.expanduser(given)), mapping.get(RUN, RUN)
    for run in runs.values():
        check_path(path, given, run.task)
    _check_mapping(runs, mapping)
    names = None if path.suffix.lower() == TEXT_FILE else _all_names(path)
    by_row = names is not None and has_column(names, column)
    if RUN in mapping and not by_row:
        raise RequestError(Problem(str(path), f"has no column {column}", "Name another."))
    chosen = _rows_of_runs(path, column, runs) if by_row else dict.fromkeys(runs, every_row)
    if by_row:
        say(f"each row is answered by the run that its column {column} names")
    return MixedInput(
        {label: _open(given, runs[label], mapping, say, wanted, names)
         for label, wanted in chosen.items()},
        by_row,
    )  # fmt: skip


def _open(
    given: str | Path, run: FinishedRun, mapping: Mapping[str, str], say: Say, wanted: Wanted,
    names: list[str] | None,
) -> InputFile:  # fmt: skip
    own = {name: mapping[name] for name in (*run.task.inputs, ID) if name in mapping}
    return open_input(given, run.task, own, run.settings.data.fields, say, wanted, names)


def _check_mapping(runs: Mapping[str, FinishedRun], mapping: Mapping[str, str]) -> None:
    tasks = {run.task.settings.name: run.task for run in runs.values()}.values()
    known = [*dict.fromkeys(name for task in tasks for name in task.inputs), ID, RUN]
    check_mapping(mapping, known, "; ".join(map(reads, tasks)))


def _all_names(path: Path) -> list[str]:
    """Every column of any row: rows for different tasks may stand far apart."""
    faults, found = Faults(), dict[str, None]()
    for batch in read_file(path, str(path), faults):
        found |= dict.fromkeys(batch.names())
    if faults or not found:
        raise RequestError(faults.problems() or Problem(str(path), "holds no rows"))
    return list(found)


def _rows_of_runs(path: Path, column: str, runs: Mapping[str, FinishedRun]) -> dict[str, Wanted]:
    """For each run that the file names, which rows are its own."""
    labels, named, faults = _Labels(runs), set[str](), Faults()
    for batch in read_file(path, str(path), faults):
        for i, name in enumerate(listed_values(batch.column(column))):
            label = labels.of(name)
            named.add(label or "")
            if label is None:
                faults.add(RUN, batch.place(i), *labels.what_is_wrong(name))
    if faults:
        raise RequestError(faults.problems())
    return {label: _of_label(label, column, labels) for label in runs if label in named}


def _of_label(label: str, column: str, labels: _Labels) -> Wanted:
    def wanted(batch: Batch) -> list[bool]:
        return [labels.of(name) == label for name in listed_values(batch.column(column))]

    return wanted


class _Labels:
    """Finds the run that a cell names: by label, folder as given, or any path to the folder."""

    def __init__(self, runs: Mapping[str, FinishedRun]) -> None:
        self.labels = list(runs)
        self._known: dict[str, str | None] = {}
        for label, run in runs.items():
            self._known |= {str(run.path): label, str(run.path.resolve()): label}
        self._known |= {label: label for label in runs}

    def of(self, name: Any) -> str | None:
        """The label, or None."""
        if not isinstance(name, str) or not name.strip():
            return None
        if name not in self._known:
            folder = str(Path(name.strip()).expanduser().resolve())
            self._known[name] = self._known.get(folder)
        return self._known[name]

    def what_is_wrong(self, name: Any) -> tuple[str, str]:
        """The problem with a cell that names no run, and the remedy."""
        if name is None or not str(name).strip():
            return "names no run", f"Give one of: {', '.join(self.labels)}"
        return f"{name} is none of the runs", did_you_mean(str(name), self.labels)
