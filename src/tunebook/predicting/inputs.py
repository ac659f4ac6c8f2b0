"""A file of rows to answer: checked as a whole before anything runs, then read piece by piece."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.data.batches import ROWS, Batch, RowBatch, has_column
from tunebook.data.faults import Faults
from tunebook.data.files import hash_of_files, what_stands_at
from tunebook.data.formats import READERS, read_file
from tunebook.data.values import WrongType, text_of
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.predicting.fields import Read, reader_of, reads, row_of_line, turns_to_answer, whole
from tunebook.tasks import Task

ID = "id"
TEXT_FILE = ".txt"
FORMATS = (*READERS, TEXT_FILE)


@dataclass(frozen=True)
class InputRow:
    """One row to answer: its id, or its number from 1, and the task's input fields.

    Where that number is the id of another row, it is `row 3`.
    """

    id: str | int
    fields: dict[str, Any]


Reader = Callable[[Path, str, Faults], Iterator[Batch]]
Wanted = Callable[[Batch], Sequence[bool]]
"""Which rows of a batch are to be read."""


def every_row(batch: Batch) -> Sequence[bool]:
    """All of them."""
    return [True] * len(batch)


@dataclass(frozen=True)
class InputFile:
    """A file whose every row can be read. `columns` maps each field to its column."""

    path: Path
    columns: dict[str, str]
    readers: dict[str, Read]
    reader: Reader
    count: int
    content: str
    """a hash of its bytes"""
    wanted: Wanted
    taken: frozenset[str]
    """ids of rows that are whole numbers, where other rows have no id"""

    def rows(self) -> Iterator[InputRow]:
        """Every row, in order; without fields where it is not wanted.

        Raises RequestError where the file is not any more what it was.
        """
        faults, number = Faults(), 0
        for batch in self.reader(self.path, str(self.path), faults):
            for own, fields in _rows_in(batch, self.columns, self.readers, self.wanted, faults):
                number += 1
                made = f"row {number}" if str(number) in self.taken else number
                yield InputRow(made if own is None else own, fields)
        if faults or number != self.count:
            what = "has changed while it was read"
            raise RequestError(faults.problems() or Problem(str(self.path), what, "Run again."))


def open_input(
    given: str | Path, task: Task, mapping: Mapping[str, str],
    columns_of_run: Mapping[str, Any], say: Callable[[str], None],
    wanted: Wanted = every_row, names: list[str] | None = None,
) -> InputFile:  # fmt: skip
    """The file at `given`, every row of it checked.

    A field is read from the column that `mapping` names, else from the one of its own name, else
    from the one that it had in the run's data. Columns are `names`, else those of the first rows.
    Rows that are not `wanted` may lack every field.
    Raises RequestError with every problem found, with file and line.
    """
    path = Path(os.path.expanduser(given))
    check_path(path, given, task)
    check_mapping(mapping, [*task.inputs, ID], reads(task))
    reader = _text_reader(task) if path.suffix.lower() == TEXT_FILE else read_file
    columns = _columns(names or _names(path, reader), path, task, mapping, columns_of_run, say)
    readers = {name: _reader(task, name, columns, columns_of_run) for name in task.inputs}
    count, taken = _check_rows(path, reader, columns, readers, wanted, say)
    content = hash_of_files([path])
    return InputFile(path, columns, readers, reader, count, content, wanted, taken)


def _names(path: Path, reader: Reader) -> list[str]:
    faults = Faults()
    first = next(reader(path, str(path), faults), None)
    if first is None or len(first) == 0:
        raise RequestError(faults.problems() or Problem(str(path), "holds no rows"))
    return first.names()


def check_path(path: Path, given: str | Path, task: Task) -> None:
    """Raise RequestError where there is no file that can be read for `task`."""
    try:
        problem = _problem_of(path, given, task)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problem = Problem(f"--input {str(given)[:100]}", f"cannot be read: {reason}")
    if problem:
        raise RequestError(problem)


def _problem_of(path: Path, given: str | Path, task: Task) -> Problem | None:
    suffix, where = path.suffix.lower(), f"--input {given}"
    if path.is_dir():
        return Problem(where, "is a folder", "Give one file.")
    if what := what_stands_at(path):
        return Problem(where, f"is {what}", "Give a file.")
    if not path.is_file():
        return Problem(where, "there is no such file", _near(path))
    if suffix not in FORMATS:
        return Problem(where, f"must end in {', '.join(FORMATS)}")
    if suffix == TEXT_FILE and len(task.inputs) > 1:
        what = f"a line cannot hold several fields; {reads(task)}"
        return Problem(where, what, "Give JSONL or CSV with these columns.")
    return None


def _near(path: Path) -> str:
    names = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
    guess = did_you_mean(path.name, names)
    return guess if guess.startswith("Did you mean") else f"Relative paths start at {Path.cwd()}"


def check_mapping(mapping: Mapping[str, str], known: Sequence[str], usage: str) -> None:
    """Raise RequestError for each field of `mapping` that is not `known`."""
    problems = [
        Problem(f"--field {name}={column}", f"there is no field {name}; {usage}",
                did_you_mean(name, known))
        for name, column in mapping.items()
        if name not in known
    ]  # fmt: skip
    if problems:
        raise RequestError(problems)


def _columns(
    names: list[str], path: Path, task: Task, mapping: Mapping[str, str],
    columns_of_run: Mapping[str, Any], say: Callable[[str], None],
) -> dict[str, str]:  # fmt: skip
    columns = {name: mapping.get(name, name) for name in (*task.inputs, ID)}
    for name in set(columns_of_run) & set(columns) - set(mapping):
        if not has_column(names, name) and has_column(names, columns_of_run[name]):
            columns[name] = columns_of_run[name]
            say(f"{name} is read from the column {columns[name]}, as in the run's data")
    needed = {name for name in columns if name != ID or name in mapping}
    lacking = [name for name in columns if name in needed and not has_column(names, columns[name])]
    if lacking:
        raise RequestError([_missing(name, columns[name], names, path) for name in lacking])
    return columns


def _missing(name: str, column: str, names: list[str], path: Path) -> Problem:
    near = did_you_mean(column, names)
    guess = near.removeprefix("Did you mean ").rstrip("?") if "Did you mean" in near else "COLUMN"
    what = f"has no column {column}; it has {', '.join(names) or 'none'}"
    return Problem(str(path), what, f"Add --field {name}={guess}")


def _reader(
    task: Task, name: str, columns: Mapping[str, str], columns_of_run: Mapping[str, Any]
) -> Read:
    """A column that held history and response for the run holds whole conversations here too."""
    held_the_answer = columns_of_run.get(task.answer) == columns[name]
    if task.fields[name].many and held_the_answer:
        return turns_to_answer
    return reader_of(task, name)


def _check_rows(
    path: Path, reader: Reader, columns: Mapping[str, str], readers: Mapping[str, Read],
    wanted: Wanted, say: Callable[[str], None],
) -> tuple[int, frozenset[str]]:  # fmt: skip
    """How many rows there are, and which of their numbers are another row's id."""
    faults, count, with_id, taken = Faults(), 0, 0, set[str]()
    for batch in reader(path, str(path), faults):
        for own, _ in _rows_in(batch, columns, readers, wanted, faults):
            count, with_id = count + 1, with_id + (own is not None)
            taken |= {str(own)} if str(own).isdecimal() else set()
    if faults:
        raise RequestError(faults.problems())
    for note in faults.notes:
        say(note)
    return count, frozenset(taken if with_id < count else ())


def _rows_in(
    batch: Batch, columns: Mapping[str, str], readers: Mapping[str, Read], wanted: Wanted,
    faults: Faults,
) -> Iterator[tuple[str | int | None, dict[str, Any]]]:  # fmt: skip
    raw = {name: listed_values(batch.column(columns[name])) for name in readers}
    ids, chosen = listed_values(batch.column(columns[ID])), wanted(batch)
    for i in range(len(batch)):
        fields = {
            name: _read(readers[name], values[i], batch, i, columns[name], faults)
            for name, values in raw.items()
            if chosen[i]
        }
        yield _id(ids[i]), fields


def listed_values(column: Any) -> list[Any]:
    """A column as a list, a value a row."""
    return column if isinstance(column, list) else column.to_pylist()


def _read(read: Read, value: Any, batch: Batch, index: int, column: str, faults: Faults) -> Any:
    try:
        return whole(read(value))
    except WrongType as error:
        faults.add(f"type {column}", batch.place(index), f"{column}: {error}",
                   "Name the column that holds the text with --field.")  # fmt: skip
        return ""


def _id(value: Any) -> str | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return whole(text_of(value)) or None
    except WrongType:
        return None


def _text_reader(task: Task) -> Reader:
    """A line a row, for a task that reads one field; a blank line is a row that is empty."""

    def read(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
        lines = _text_lines(path, name, faults)
        while chunk := list(itertools.islice(lines, ROWS)):
            yield RowBatch([row_of_line(task, line) for line in chunk], name)

    return read


def _text_lines(path: Path, name: str, faults: Faults) -> Iterator[str]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                yield raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
            except UnicodeDecodeError as error:
                what = f"is not UTF-8: byte 0x{error.object[error.start]:02x}"
                faults.add("encoding", f"{name}:{number}", what, "Save the file as UTF-8.")
