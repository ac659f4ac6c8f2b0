"""A file of rows to answer: checked as a whole before anything runs, then read piece by piece.

Every row is for all runs that answer; or, where the file has a column `run` and several runs are
there, for the one that it names.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from tunebook.data.batches import ROWS, Batch, RowBatch, has_column
from tunebook.data.columns import there
from tunebook.data.faults import Faults
from tunebook.data.files import hash_of_files, what_stands_at
from tunebook.data.formats import READERS, read_file
from tunebook.data.values import WrongType, text_of, whole
from tunebook.errors import Problem, RequestError, did_you_mean, nearest, nearest_beside
from tunebook.predicting.fields import (
    HasTask,
    Read,
    reader_of,
    reads,
    row_of_line,
    turns_to_answer,
)
from tunebook.tasks import Task

ID, RUN = "id", "run"
TEXT_FILE = ".txt"
FORMATS = (*READERS, TEXT_FILE)
Say = Callable[[str], None]
FileReader = Callable[[Path, str, Faults], Iterator[Batch]]


class Reads(HasTask, Protocol):
    """What a file asks of a finished run."""

    @property
    def path(self) -> Path:
        """Its folder."""
        ...

    @property
    def columns(self) -> Mapping[str, Any]:
        """The column of each field in the run's data, where it has another name."""
        ...


@dataclass(frozen=True)
class InputRow:
    """One row to answer: its id, or its number from 1, and the fields of each run that is asked.

    Where that number is the id of another row, it is `row 3`.
    """

    id: str | int
    fields: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Mapped:
    """How a run reads the file: the column of each field and of the id, and what reads a field."""

    columns: dict[str, str]
    readers: dict[str, Read]


@dataclass
class InputFile:
    """A file whose every row can be read.

    `content` is a hash of its bytes, `count` the number of its rows; `names` says which run a row
    names, where each names one; `taken` are ids of rows that are whole numbers, where other rows
    have no id.
    """

    path: Path
    reader: FileReader
    mapped: dict[str, Mapped]
    names: RunNames | None = None
    content: str = ""
    count: int = 0
    taken: frozenset[str] = frozenset()

    def rows(self) -> Iterator[InputRow]:
        """Every row, in order. Raises RequestError where the file is not any more what it was."""
        faults, number = Faults(), 0
        for own, fields in self._read(faults):
            number += 1
            made = f"row {number}" if str(number) in self.taken else number
            yield InputRow(made if own is None else own, fields)
        if faults or number != self.count:
            what = "has changed while it was read"
            raise RequestError(faults.problems() or Problem(str(self.path), what, "Run again."))

    def check(self, say: Say) -> None:
        """Read every row once. Raises RequestError with every problem, by file and line."""
        faults, with_id, taken = Faults(), 0, set[str]()
        for own, _ in self._read(faults):
            self.count += 1
            with_id += own is not None
            taken |= {str(own)} if str(own).isdecimal() else set()
        if faults:
            raise RequestError(faults.problems())
        for note in faults.notes:
            say(note)
        self.taken = frozenset(taken if with_id < self.count else ())
        self.content = hash_of_files([self.path])

    def _read(self, faults: Faults) -> Iterator[tuple[str | int | None, dict[str, dict[str, Any]]]]:
        """Each row's own id, and its fields by run."""
        (id_path, *_) = [mapped.columns[ID] for mapped in self.mapped.values()]
        for batch in self.reader(self.path, str(self.path), faults):
            wanted = [one.columns[name] for one in self.mapped.values() for name in one.readers]
            columns = {path: batch.column(path) for path in dict.fromkeys(wanted)}
            chosen = self.names.labels_in(batch) if self.names else None
            for i, own in enumerate(batch.column(id_path)):
                row = _Cells(
                    {path: column[i] for path, column in columns.items()}, batch, i, faults
                )
                yield _id(own), {
                    label: {name: row.read(one.columns[name], read)
                            for name, read in one.readers.items()}
                    for label, one in self.mapped.items()
                    if chosen is None or chosen[i] == label
                }  # fmt: skip


class _Cells:
    """One row's values; each is read once, however many runs ask for it."""

    def __init__(self, raw: dict[str, Any], batch: Batch, index: int, faults: Faults) -> None:
        self._raw, self._batch, self._index, self._faults = raw, batch, index, faults
        self._read: dict[tuple[str, Read], Any] = {}

    def read(self, column: str, read: Read) -> Any:
        if (column, read) not in self._read:
            self._read[column, read] = self._value(column, read)
        return self._read[column, read]

    def _value(self, column: str, read: Read) -> Any:
        try:
            return whole(read(self._raw[column]))
        except WrongType as error:
            place, remedy = self._batch.place(self._index), "Name the column that holds the text"
            self._faults.add(
                f"type {column}", place, f"{column}: {error}", f"{remedy} with --field."
            )
            return ""


def open_input(
    given: str | Path, runs: Mapping[str, Reads], mapping: Mapping[str, str], say: Say
) -> InputFile:
    """The file at `given`, every row of it checked for each of `runs`, by label.

    A field is read from the column that `mapping` names, else from the one of its own name, else
    from the one that it had in the run's data. Raises RequestError with every problem found, with
    file and line.
    """
    path = Path(os.path.expanduser(given))
    tasks = [run.task for run in runs.values()]
    _check_path(path, given, tasks)
    _check_mapping(mapping, tasks)
    is_text = path.suffix.lower() == TEXT_FILE
    reader = _text_reader(tasks) if is_text else read_file
    names = _names(path, reader, of_all_rows=len(runs) > 1)
    by_run = _run_names(path, runs, mapping, names) if len(runs) > 1 and not is_text else None
    if by_run:
        say(f"each row is answered by the run that its column {by_run.column} names")
    asked = {label: run for label, run in runs.items() if not by_run or label in by_run.named}
    mapped, problems = {}, list[Problem]()
    for label, run in asked.items():
        try:
            mapped[label] = _mapped(names, path, run, mapping, say)
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    found = InputFile(path, reader, mapped, by_run)
    found.check(say)
    return found


def _names(path: Path, reader: FileReader, *, of_all_rows: bool) -> list[str]:
    """The columns of the first rows, or those of any: rows for different tasks may stand apart."""
    faults, found = Faults(), dict[str, None]()
    for batch in reader(path, str(path), faults):
        found |= dict.fromkeys(batch.names())
        if not of_all_rows:
            break
    if not found or (of_all_rows and faults):
        raise RequestError(faults.problems() or Problem(str(path), "holds no rows"))
    return list(found)


def _check_path(path: Path, given: str | Path, tasks: Sequence[Task]) -> None:
    """Raise RequestError where there is no file that can be read for `tasks`."""
    try:
        problem = _problem_of(path, given, tasks)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Problem(f"--input {str(given)[:100]}", f"cannot be read: {reason}")
    if problem:
        raise RequestError(problem)


def _problem_of(path: Path, given: str | Path, tasks: Sequence[Task]) -> Problem | None:
    suffix, where = path.suffix.lower(), f"--input {given}"
    if path.is_dir():
        return Problem(where, "is a folder", "Give one file.")
    if what := what_stands_at(path):
        return Problem(where, f"is {what}", "Give a file.")
    if not path.is_file():
        return Problem(where, "there is no such file", nearest_beside(path, Path.is_file))
    if suffix not in FORMATS:
        return Problem(where, f"must end in {', '.join(FORMATS)}")
    several = [task for task in tasks if len(task.inputs) > 1]
    if suffix == TEXT_FILE and several:
        what = f"a line cannot hold several fields; {reads(several[0])}"
        return Problem(where, what, "Give JSONL or CSV with these columns.")
    return None


def _check_mapping(mapping: Mapping[str, str], tasks: Sequence[Task]) -> None:
    """Raise RequestError for each field of `mapping` that no task has."""
    known = [*dict.fromkeys(name for task in tasks for name in task.inputs), ID]
    known += [RUN] if len(tasks) > 1 else []
    usage = "; ".join(dict.fromkeys(map(reads, tasks)))
    problems = [
        Problem(f"--field {name}={column}", f"there is no field {name}; {usage}",
                did_you_mean(name, known))
        for name, column in mapping.items()
        if name not in known
    ]  # fmt: skip
    if problems:
        raise RequestError(problems)


def _mapped(
    names: list[str], path: Path, run: Reads, mapping: Mapping[str, str], say: Say
) -> Mapped:
    task, of_run = run.task, run.columns
    columns = {name: mapping.get(name, name) for name in (*task.inputs, ID)}
    for name in set(of_run) & set(columns) - set(mapping):
        if not has_column(names, name) and has_column(names, of_run[name]):
            columns[name] = of_run[name]
            say(f"{name} is read from the column {columns[name]}, as in the run's data")
    needed = {name for name in columns if name != ID or name in mapping}
    lacking = [name for name in columns if name in needed and not has_column(names, columns[name])]
    if lacking:
        raise RequestError([_missing(name, columns[name], names, path) for name in lacking])
    answer = of_run.get(task.answer)
    return Mapped(columns, {name: _reader(task, name, columns[name] == answer)
                            for name in task.inputs})  # fmt: skip


def _missing(name: str, column: str, names: list[str], path: Path) -> Problem:
    what = f"has no column {column}; {there(names)}"
    return Problem(str(path), what, f"Add --field {name}={nearest(column, names) or 'COLUMN'}")


def _reader(task: Task, name: str, held_the_answer: bool) -> Read:
    """A column that held history and response for the run holds whole conversations here too."""
    return turns_to_answer if task.fields[name].many and held_the_answer else reader_of(task, name)


def _id(value: Any) -> str | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return whole(text_of(value)) or None
    except WrongType:
        return None


class RunNames:
    """Finds the run that a row names in `column`: by label, or any path to its folder."""

    def __init__(self, column: str, runs: Mapping[str, Reads]) -> None:
        self.column, self.labels = column, list(runs)
        self.named: set[str] = set()
        self._known: dict[str, str | None] = {}
        for label, run in runs.items():
            self._known |= {str(run.path): label, str(run.path.resolve()): label}
        self._known |= {label: label for label in runs}

    def labels_in(self, batch: Batch) -> list[str | None]:
        """The label that each row names, None where it names no run."""
        return [self._label(name) for name in batch.column(self.column)]

    def _label(self, name: Any) -> str | None:
        if not isinstance(name, str) or not name.strip():
            return None
        if name not in self._known:
            folder = str(Path(name.strip()).expanduser().resolve())
            self._known[name] = self._known.get(folder)
        return self._known[name]

    def check(self, path: Path) -> None:
        """Note who is named. Raises RequestError for each row that names no run."""
        faults = Faults()
        for batch in read_file(path, str(path), faults):
            for i, label in enumerate(self.labels_in(batch)):
                self.named.add(label or "")
                if label is None:
                    faults.add(RUN, batch.place(i), *self._problem(batch.column(self.column)[i]))
        if faults:
            raise RequestError(faults.problems())

    def _problem(self, name: Any) -> tuple[str, str]:
        if name is None or not str(name).strip():
            return "names no run", f"Give one of: {', '.join(self.labels)}"
        return f"{name} is none of the runs", did_you_mean(str(name), self.labels)


def _run_names(
    path: Path, runs: Mapping[str, Reads], mapping: Mapping[str, str], names: list[str]
) -> RunNames | None:
    column = mapping.get(RUN, RUN)
    if not has_column(names, column):
        if RUN in mapping:
            raise RequestError(Problem(str(path), f"has no column {column}", "Name another."))
        return None
    found = RunNames(column, runs)
    found.check(path)
    return found


def _text_reader(tasks: Sequence[Task]) -> FileReader:
    """A line a row, for tasks that read one field; a blank line is a row that is empty."""

    def row(line: str) -> dict[str, Any]:
        return {name: value for task in tasks for name, value in row_of_line(task, line).items()}

    def read(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
        lines = _text_lines(path, name, faults)
        while chunk := list(itertools.islice(lines, ROWS)):
            yield RowBatch([row(line) for line in chunk], name)

    return read


def _text_lines(path: Path, name: str, faults: Faults) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                what = f"is not UTF-8: byte 0x{error.object[error.start]:02x}"
                faults.add("encoding", f"{name}:{number}", what, "Save the file as UTF-8.")
