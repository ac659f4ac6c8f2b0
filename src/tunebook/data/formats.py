"""File formats -> batches of raw rows, a few thousand or some megabytes at a time.

`read_file` takes a file, the name to call it by, and Faults, where it reports what it cannot read
with file and line. Only JSON (not JSONL) is held in memory as a whole.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from tunebook.data.batches import ROWS, ArrowBatch, Batch, RowBatch, chunks
from tunebook.data.cells import Cells, Dialect, dialect_of
from tunebook.data.faults import Faults
from tunebook.data.shapes import kind_of, rows_of
from tunebook.documents import BrokenDocument, parse_json, read_bytes

T = TypeVar("T")
Reader = Callable[[Path, str, Faults, Cells], Iterator[Batch]]
Line = tuple[int, str]
Sized = tuple[int, int, dict[str, Any]]
"""The line that a row begins at, about how many characters it has, and the row."""

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
LONGEST_LINE = 1 << 27
"""Bytes of one line: what is longer is hardly a row."""
MOST_AT_ONCE = 1 << 24
"""Characters in one batch of rows, unless a single row is longer."""
MOST_ROWS = 100_000_000
TO_UTF8 = "Save it as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW."
AS_THEY_SHOW = Cells()


def read_file(
    path: Path, name: str, faults: Faults, cells: Cells = AS_THEY_SHOW
) -> Iterator[Batch]:
    """The rows of a file of any format that READERS know, by its ending."""
    return guarded(READERS[path.suffix.lower()](path, name, faults, cells), name, faults)


def guarded(parts: Iterator[T], name: str, faults: Faults) -> Iterator[T]:
    """The same parts; a file that vanishes, is locked or breaks off becomes a fault."""
    try:
        yield from parts
    except OSError as error:
        faults.add("file", name, f"cannot be read: {error.strerror or error}")
    except MemoryError:
        faults.add("memory", name, "holds more than this machine's memory", "Split it.")


def read_jsonl(path: Path, name: str, faults: Faults, _: Cells) -> Iterator[Batch]:
    """One JSON object a line; blank lines are passed over."""
    yield from _batches(_parsed_lines(path, name, faults), name)


def read_json(path: Path, name: str, faults: Faults, cells: Cells) -> Iterator[Batch]:
    """A document of one of the SHAPES; one object a line is read as JSONL."""
    if holds_json_lines(path):
        yield from read_jsonl(path, name, faults, cells)
        return
    try:
        content = read_bytes(path)
        document = parse_json(content, name, halves=True) if content.strip() else []
    except BrokenDocument as error:
        problem = error.problem
        where = problem.where.replace(str(path), name, 1)
        faults.add("json", where, problem.what, problem.remedy)
        return
    yield from chunks(rows_of(document, name, faults), name)


def read_csv(path: Path, name: str, faults: Faults, cells: Cells) -> Iterator[Batch]:
    """Comma-separated cells under a header; every cell is text, as it stands."""
    yield from _read_cells(path, name, faults, dialect_of(path, ",", cells))


def read_tsv(path: Path, name: str, faults: Faults, cells: Cells) -> Iterator[Batch]:
    """Tab-separated cells under a header, quoted as in CSV or not at all."""
    yield from _read_cells(path, name, faults, dialect_of(path, "\t", cells))


def read_parquet(path: Path, name: str, faults: Faults, _: Cells) -> Iterator[Batch]:
    """The row groups of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = 1
    try:
        file = pq.ParquetFile(path)
        if problem := _parquet_problem(file):
            faults.add("parquet", name, *problem)
            return
        for batch in file.iter_batches(batch_size=_rows_at_once(file)):
            yield ArrowBatch(pa.Table.from_batches([batch]), name, first)
            first += batch.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = (str(error).split(". ")[0].splitlines() or [type(error).__name__])[0].rstrip(".")
        faults.add("parquet", name, f"is no readable Parquet file: {reason[:200]}")


def _parquet_problem(file: Any) -> tuple[str, str] | None:
    names = file.schema_arrow.names
    if twice := next((column for column in names if names.count(column) > 1), None):
        return f"names the column {twice!r} twice", "Rename one of them."
    if (rows := file.metadata.num_rows) > MOST_ROWS:
        return f"holds {rows:,} rows, more than the {MOST_ROWS:,} that are read", "Split it."
    return None


def _rows_at_once(file: Any) -> int:
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    longest = max((group.total_byte_size // max(group.num_rows, 1) for group in groups), default=0)
    return max(1, min(ROWS, MOST_AT_ONCE // max(longest, 1)))


READERS: dict[str, Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_tsv,
    ".parquet": read_parquet,
}


def read_references(path: Path, name: str, faults: Faults) -> Iterator[list[str]]:
    """Each line's `references` of a sidecar file."""
    from tunebook.data.values import WrongType, texts_of

    for number, _, row in _parsed_lines(path, name, faults):
        try:
            if "references" not in row:
                raise WrongType("has no key references")
            yield texts_of(row["references"])
        except WrongType as error:
            faults.add("references", f"{name}:{number}", str(error),
                       'Each line is {"references": ["text", ...]}.')  # fmt: skip
            yield []


def holds_json_lines(path: Path) -> bool:
    """Whether a .json file holds one object a line, as many hub files do."""
    with path.open("rb") as file:
        first, second = _next_filled(file), _next_filled(file)
    try:
        return bool(second) and isinstance(parse_json(first, "", halves=True), dict)
    except BrokenDocument:
        return False


def _next_filled(file: Any) -> bytes:
    lines = iter(lambda: file.readline(LONGEST_LINE), b"")
    return next((line for line in lines if line.strip()), b"")


def _batches(rows: Iterable[Sized], name: str) -> Iterator[Batch]:
    chunk, lines, size = list[dict[str, Any]](), list[int](), 0
    for line, length, row in rows:
        chunk.append(row)
        lines.append(line)
        size += length
        if len(chunk) == ROWS or size >= MOST_AT_ONCE:
            yield RowBatch(chunk, name, lines)
            chunk, lines, size = [], [], 0
    if chunk:
        yield RowBatch(chunk, name, lines)


def _parsed_lines(path: Path, name: str, faults: Faults) -> Iterator[Sized]:
    for number, line in _lines(path, name, faults):
        if line.isspace() or not line:
            continue
        if line.strip() in ("[", "{"):
            what = "is JSON over several lines, not one object a line"
            faults.add("json", f"{name}:{number}", what, "Name the file .json.")
            return
        row = _parsed(line.rstrip("\r\n"), f"{name}:{number}", faults)
        if row is not None:
            yield number, len(line), row


def _parsed(line: str, where: str, faults: Faults) -> dict[str, Any] | None:
    try:
        row = parse_json(line, where, halves=True)
    except BrokenDocument as error:
        faults.add("json", where, error.problem.what, "Repair or remove that line.")
        return None
    if not isinstance(row, dict):
        what = f"holds {kind_of(row)}, not an object"
        faults.add("object", where, what, 'Each line is one object, {"column": "text", ...}.')
        return None
    return row


def _read_cells(path: Path, name: str, faults: Faults, dialect: Dialect) -> Iterator[Batch]:
    faults.notes += [f"{name} {note}" for note in dialect.notes]
    lines = _lines(path, name, faults)
    rows = _quoted_rows(lines, dialect, name, faults) if dialect.quoted else _plain(lines, dialect)
    _, header = next(rows, (0, []))
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        faults.add("cells", f"{name}:1", f"names the column {twice!r} twice", "Rename one of them.")
        return
    yield from _batches(_named_cells(rows, header, name, faults), name)


def _plain(lines: Iterable[Line], dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    for number, line in lines:
        if text := line.rstrip("\r\n"):
            yield number, text.split(dialect.separator)


def _quoted_rows(
    lines: Iterable[Line], dialect: Dialect, name: str, faults: Faults
) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader((line for _, line in lines), delimiter=dialect.separator, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            remedy = ('Text with quotes is written "He said ""no""."; or use JSONL, or '
                      "data.quoted=false where no cell is quoted.")  # fmt: skip
            faults.add("cells", f"{name}:{start}", f"has unbalanced quotes: {error}", remedy)
            return
        if cells is None:
            return
        if cells:
            yield start, cells


def _named_cells(
    rows: Iterable[tuple[int, list[str]]], header: list[str], name: str, faults: Faults
) -> Iterator[Sized]:
    for line, cells in rows:
        if len(cells) == len(header):
            yield line, sum(map(len, cells)), dict(zip(header, cells, strict=True))
        else:
            what = f"has {len(cells)} cells where the header has {len(header)}"
            faults.add("cells", f"{name}:{line}", what, "Quote cells that hold the separator.")


def _lines(path: Path, name: str, faults: Faults) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), 1):
            if len(raw) > LONGEST_LINE:
                what = f"is longer than the {LONGEST_LINE:,} bytes that one row may have"
                faults.add("length", f"{name}:{number}", what, "Put one row on each line.")
                return
            if number == 1:
                if raw.startswith(UTF16_BOMS):
                    faults.add("encoding", name, "is UTF-16, not UTF-8",
                               "Save it as UTF-8: iconv -f utf-16 -t utf-8 OLD > NEW.")  # fmt: skip
                    return
                raw = raw.removeprefix(UTF8_BOM)
            try:
                yield number, raw.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"is not UTF-8: byte 0x{raw[error.start]:02x} at position {error.start + 1}"
                faults.add("encoding", f"{name}:{number}", what, TO_UTF8)
