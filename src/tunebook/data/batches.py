"""A few thousand raw rows at a time, whatever they were read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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

    def column(self, path: str) -> list[Any] | pa.Array:
        """One value a row; None where a row lacks it."""
        ...

    def place(self, index: int) -> str:
        """Where the row stands, as a person would look it up."""
        ...


class RowBatch:
    """Rows as dictionaries, with the line each one starts at where the file has lines."""

    def __init__(self, rows: list[dict[str, Any]], source: str, lines: Sequence[int] | None,
                 first: int = 1) -> None:  # fmt: skip
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
        if self._lines is not None:
            return f"{self._source}:{self._lines[index]}"
        return f"{self._source}, row {self._first + index}"


class ArrowBatch:
    """Rows as an Arrow table."""

    def __init__(self, table: pa.Table, source: str, first: int) -> None:
        self.table = table
        self._source, self._first = source, first

    def __len__(self) -> int:
        return self.table.num_rows

    def names(self) -> list[str]:
        """Every column, nested ones with dots."""
        return [name for field in self.table.schema for name in _names_of_field(field, "")]

    def column(self, path: str) -> pa.Array | list[Any]:
        """The value at `path` in each row; an Arrow array where it holds plain text."""
        try:
            return self._column(path)
        except (pa.ArrowException, ValueError, OverflowError, KeyError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            what = f"the column {path} cannot be read: {reason[:200]}"
            raise RequestError(Problem(self.place(0), what, "Write the file anew.")) from None

    def _column(self, path: str) -> pa.Array | list[Any]:
        if path in self.table.column_names:
            return _plain(self._checked(self.table.column(path)))
        head, *steps = path.split(".")
        if head not in self.table.column_names:
            return [None] * len(self)
        column = self._checked(self.table.column(head))
        while steps and pa.types.is_struct(column.type) and steps[0] in column.type.names:
            column = pc.struct_field(column, steps.pop(0))
        if steps:
            return [_follow(value, steps) for value in column.to_pylist()]
        return _plain(column)

    def _checked(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        """The column, if all its text is UTF-8. Raises RequestError that names the first row."""
        try:
            column.validate(full=True)
        except pa.ArrowInvalid:
            index = next((i for i in range(len(column)) if not _is_valid(column.slice(i, 1))), 0)
            what = "holds text that is not UTF-8, or is damaged"
            raise RequestError(Problem(self.place(index), what, "Write the file anew.")) from None
        return column

    def place(self, index: int) -> str:
        """`source, row 3`."""
        return f"{self._source}, row {self._first + index}"


class DerivedBatch:
    """Rows made of those of another batch: `columns` of their own, each row of that at `origin`."""

    def __init__(
        self, parent: Batch, columns: Mapping[str, list[Any]], origin: list[int] | None = None
    ) -> None:
        self.origin = list(range(len(parent))) if origin is None else origin
        self._parent, self._columns = parent, columns

    def __len__(self) -> int:
        return len(self.origin)

    def names(self) -> list[str]:
        """The columns that the other batch has."""
        return self._parent.names()

    def column(self, path: str) -> list[Any] | pa.Array:
        """The value at `path` in each row."""
        if path in self._columns:
            return self._columns[path]
        values = self._parent.column(path)
        if isinstance(values, pa.Array):
            return values.take(pa.array(self.origin))
        return [values[index] for index in self.origin]

    def place(self, index: int) -> str:
        """Where the row came from."""
        return self._parent.place(self.origin[index])


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


def _plain(column: pa.ChunkedArray) -> pa.Array | list[Any]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        array = pa.chunked_array(column.chunks, column.type).cast(pa.string()).combine_chunks()
        return array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)
    return column.to_pylist()


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


def _names_of_field(field: pa.Field, prefix: str) -> Iterable[str]:
    yield f"{prefix}{field.name}"
    if pa.types.is_struct(field.type):
        for inner in field.type:
            yield from _names_of_field(inner, f"{prefix}{field.name}.")
