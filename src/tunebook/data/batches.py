"""A few thousand raw rows at a time, whatever they were read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from tunebook.errors import Problem, RequestError

ROWS = 2000
"""Rows in one batch: enough to be fast, few enough to hold long documents."""


class Batch(Protocol):
    """Raw rows whose columns can be looked up by a path such as `translation.en`."""

    def __len__(self) -> int: ...

    def names(self) -> list[str]:
        """Every column there is, nested ones with dots."""
        ...

    def column(self, path: str) -> list[Any]:
        """One value a row; None where a row lacks it."""
        ...

    def place(self, index: int) -> str:
        """Where the row stands, as a person would look it up."""
        ...


class RowBatch:
    """Rows as dictionaries; `lines`: where each one starts, of a file that has lines."""

    def __init__(
        self, rows: list[dict[str, Any]], source: str, lines: Sequence[int] = (), *, first: int = 1
    ) -> None:
        self.rows = rows
        self._source, self._lines, self._first = source, lines, first

    def __len__(self) -> int:
        return len(self.rows)

    def names(self) -> list[str]:
        """Every column of any row, in order of appearance."""
        return list(dict.fromkeys(name for row in self.rows for name in _names_in(row)))

    def column(self, path: str) -> list[Any]:
        """The value at `path` in each row."""
        if any(path in row for row in self.rows) or "." not in path:
            return [row.get(path) for row in self.rows]
        steps = path.split(".")
        return [_follow(row, steps) for row in self.rows]

    def place(self, index: int) -> str:
        """`file:line`, or `file, row 3`."""
        if self._lines:
            return f"{self._source}:{self._lines[index]}"
        return f"{self._source}, row {self._first + index}"


def chunks(rows: list[dict[str, Any]], source: str) -> Iterator[RowBatch]:
    """Rows that are in memory already, a batch at a time."""
    for first in range(0, len(rows), ROWS):
        yield RowBatch(rows[first : first + ROWS], source, first=first + 1)


class ArrowBatch:
    """Rows as an Arrow table."""

    def __init__(self, table: pa.Table, source: str, first: int) -> None:
        self.table = table
        self._source, self._first = source, first

    def __len__(self) -> int:
        return self.table.num_rows

    def names(self) -> list[str]:
        """Every column, nested ones with dots."""
        return [name for field in self.table.schema for name in _names_of_field(field)]

    def column(self, path: str) -> list[Any]:
        """The value at `path` in each row. Raises RequestError where it cannot be read."""
        head, *steps = [path] if path in self.table.column_names else path.split(".")
        if head not in self.table.column_names:
            return [None] * len(self)
        try:
            column = self._checked(self.table.column(head))
            while steps and pa.types.is_struct(column.type) and steps[0] in column.type.names:
                column = pc.struct_field(column, steps.pop(0))
            return [_follow(value, steps) for value in column.to_pylist()]
        except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            what = f"the column {path} cannot be read: {reason[:200]}"
            raise RequestError(Problem(self.place(0), what, "Write the file anew.")) from None

    def _checked(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The column, if all its text is UTF-8. Raises RequestError that names the first row."""
        if _is_valid(column):
            return column
        index = next((i for i in range(len(column)) if not _is_valid(column.slice(i, 1))), 0)
        what = "holds text that is not UTF-8, or is damaged"
        raise RequestError(Problem(self.place(index), what, "Write the file anew."))

    def place(self, index: int) -> str:
        """`source, row 3`."""
        return f"{self._source}, row {self._first + index}"


class DerivedBatch:
    """Rows made of those of another batch, each of the row at `origin`; None: of the same row.

    `columns` are its own, which count before those of the other batch.
    """

    def __init__(self, parent: Batch, origin: list[int] | None = None) -> None:
        self.origin, self.columns = origin, dict[str, list[Any]]()
        self._parent = parent

    def __len__(self) -> int:
        return len(self._parent) if self.origin is None else len(self.origin)

    def names(self) -> list[str]:
        """The columns that the other batch has."""
        return self._parent.names()

    def column(self, path: str) -> list[Any]:
        """The value at `path` in each row."""
        if path in self.columns:
            return self.columns[path]
        values = self._parent.column(path)
        return values if self.origin is None else [values[index] for index in self.origin]

    def place(self, index: int) -> str:
        """Where the row came from."""
        return self._parent.place(index if self.origin is None else self.origin[index])


def has_column(names: Iterable[str], path: str) -> bool:
    """Whether `path` can be looked up where the columns are `names`; list positions count too."""
    known = set(names)
    steps = path.split(".")
    while steps and steps[-1].isdigit() and ".".join(steps) not in known:
        steps.pop()
    return ".".join(steps) in known


def _is_valid(column: pa.ChunkedArray) -> bool:
    try:
        pa.concat_arrays(column.chunks).validate(full=True)
    except pa.ArrowException:
        return False
    return True


def _follow(value: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _names_in(row: Mapping[str, Any], prefix: str = "") -> Iterable[str]:
    for key, value in row.items():
        yield f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _names_in(value, f"{prefix}{key}.")


def _names_of_field(field: pa.Field, prefix: str = "") -> Iterable[str]:
    yield f"{prefix}{field.name}"
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield from _names_of_field(inner, f"{prefix}{field.name}.")
