"""File formats -> batches of raw rows, a few thousand at a time.

Every reader takes a file, the name to call it by, and Faults, where it reports what it cannot
read with file and line. Only JSON (not JSONL) is held in memory as a whole.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from tunebook.data.batches import ROWS, ArrowBatch, Batch, RowBatch
from tunebook.data.faults import Faults

Reader = Callable[[Path, str, Faults], Iterator[Batch]]
Line = tuple[int, str]

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
LONGEST_CELL = 2**31 - 1
TO_UTF8 = "Save it as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW."


def read_jsonl(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
    """One JSON object a line; blank lines are passed over."""
    parsed = _parsed_lines(path, name, faults)
    for chunk in _chunks(parsed, ROWS):
        yield RowBatch([row for _, row in chunk], name, [line for line, _ in chunk])


def read_json(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
    """A list of objects, or an object whose `data` is one; one object a line is read as JSONL."""
    if holds_json_lines(path):
        yield from read_jsonl(path, name, faults)
        return
    rows = _json_rows(path, name, faults)
    for first in range(0, len(rows), ROWS):
        yield RowBatch(rows[first : first + ROWS], name, None, first + 1)


def read_csv(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
    """Comma-separated cells under a header; every cell is text, as it stands."""
    yield from _read_cells(path, name, faults, ",")


def read_tsv(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
    """Tab-separated cells under a header, quoted as in CSV."""
    yield from _read_cells(path, name, faults, "\t")


def read_parquet(path: Path, name: str, faults: Faults) -> Iterator[Batch]:
    """The row groups of a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first = 1
    try:
        for batch in pq.ParquetFile(path).iter_batches(batch_size=ROWS):
            yield ArrowBatch(pa.Table.from_batches([batch]), name, first)
            first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split(". ")[0].rstrip(".")
        faults.add("parquet", name, f"is no readable Parquet file: {reason}")


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

    for number, row in _parsed_lines(path, name, faults):
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
        return bool(second) and isinstance(json.loads(first.removeprefix(UTF8_BOM)), dict)
    except ValueError:
        return False


def _next_filled(file: Iterable[bytes]) -> bytes:
    return next((line for line in file if line.strip()), b"")


def _parsed_lines(path: Path, name: str, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path, name, faults):
        if line.isspace() or not line:
            continue
        if line.strip() in ("[", "{"):
            what = "is JSON over several lines, not one object a line"
            faults.add("json", f"{name}:{number}", what, "Name the file .json.")
            return
        row = _parsed(line.rstrip("\r\n"), f"{name}:{number}", faults)
        if row is not None:
            yield number, row


def _parsed(line: str, where: str, faults: Faults) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        what = f"is no valid JSON: {_json_reason(error)}"
        faults.add("json", where, what, "Repair or remove that line.")
        return None
    if not isinstance(row, dict):
        what = f"holds {_kind(row)}, not an object"
        faults.add("object", where, what, 'Each line is one object, {"column": "text", ...}.')
        return None
    return row


def _json_reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} (column {error.colno})"
    return "it is nested too deeply"


def _kind(value: Any) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(
        type(value), "a number"
    )


def _json_rows(path: Path, name: str, faults: Faults) -> list[dict[str, Any]]:
    text = "".join(line for _, line in _lines(path, name, faults))
    if faults or not text.strip():
        return []
    try:
        data = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        faults.add("json", f"{name}:{line}", f"is no valid JSON: {_json_reason(error)}")
        return []
    return _rows_in(data, name, faults)


def _rows_in(data: Any, name: str, faults: Faults) -> list[dict[str, Any]]:
    rows = data.get("data") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        what = "holds neither a list of objects nor an object with a list named data"
        faults.add("json", name, what, "Bring it into one of these forms, or one object a line.")
        return []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            faults.add("object", f"{name}, row {number}", f"is {_kind(row)}, not an object")
    return [row for row in rows if isinstance(row, dict)]


def _read_cells(path: Path, name: str, faults: Faults, delimiter: str) -> Iterator[Batch]:
    csv.field_size_limit(LONGEST_CELL)
    lines = (line for _, line in _lines(path, name, faults))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    rows = _cell_rows(reader, name, faults)
    _, header = next(rows, (0, []))
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        faults.add("cells", f"{name}:1", f"names the column {twice!r} twice", "Rename one of them.")
        return
    for chunk in _chunks(_named_cells(rows, header, name, faults), ROWS):
        yield RowBatch([row for _, row in chunk], name, [line for line, _ in chunk])


def _cell_rows(reader: Any, name: str, faults: Faults) -> Iterator[tuple[int, list[str]]]:
    while True:
        start = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            remedy = 'Text with quotes is written "He said ""no""."; or use JSONL.'
            faults.add("cells", f"{name}:{start}", f"has unbalanced quotes: {error}", remedy)
            return
        if cells is None:
            return
        if cells:
            yield start, cells


def _named_cells(
    rows: Iterable[tuple[int, list[str]]], header: list[str], name: str, faults: Faults
) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, cells in rows:
        if len(cells) == len(header):
            yield line, dict(zip(header, cells, strict=True))
        else:
            what = f"has {len(cells)} cells where the header has {len(header)}"
            faults.add("cells", f"{name}:{line}", what, "Quote cells that hold the separator.")


def _lines(path: Path, name: str, faults: Faults) -> Iterator[Line]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
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


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
