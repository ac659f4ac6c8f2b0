"""What separates the cells of a CSV or TSV file, and whether they are quoted."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t"}
"""Words for what is hard to type."""
LOOKED_AT = 1 << 20
"""Characters of the header that are looked at, and of any one line."""


@dataclass(frozen=True)
class Cells:
    """What the settings say; None: as the file shows."""

    separator: str | None = None
    quoted: bool | None = None


@dataclass(frozen=True)
class Dialect:
    """How one file is read, with what is to be said of it."""

    separator: str
    quoted: bool
    notes: tuple[str, ...] = ()


def dialect_of(path: Path, usual: str, cells: Cells) -> Dialect:
    """How the file at `path` is to be read; `usual` is the separator that its ending promises."""
    header = next(_lines(path), b"").decode("utf-8", "replace")
    separator = cells.separator or _separator(header, usual)
    notes = []
    if separator != usual and not cells.separator:
        notes.append(f"is separated by {NAMES[separator]}, and is read so")
    if cells.quoted is not None:
        return Dialect(separator, cells.quoted, tuple(notes))
    quoted = separator != "\t" or not _has_bare_marks(path)
    if not quoted:
        notes.append("is not quoted: quotation marks are part of its texts (else data.quoted=true)")
    return Dialect(separator, quoted, tuple(notes))


def _separator(header: str, usual: str) -> str:
    """`usual`, unless the header is one cell by it and several by another."""
    known = [usual, *(one for one in NAMES if one != usual)]
    return next((one for one in known if _width(header, one) > 1), usual)


def _width(header: str, separator: str) -> int:
    try:
        return len(next(csv.reader([header], delimiter=separator), []))
    except csv.Error:
        return 0


def _has_bare_marks(path: Path) -> bool:
    """Whether cells of a TSV begin with quotation marks that are part of the text.

    So it is where a line that has all its cells has one that begins with a mark and is no quoted
    cell; and where cells are quoted that have no need of it, while the header is not.
    """
    lines = _lines(path)
    header = next(lines, b"").split(b"\t")
    begins, needed = False, all(map(_is_quoted, header))
    for line in lines:
        cells = line.split(b"\t") if b'"' in line else []
        marked = [cell for cell in cells if cell.startswith(b'"')]
        begins |= bool(marked)
        if len(cells) != len(header):
            needed |= bool(marked)
        elif not all(map(_is_quoted, marked)):
            return True
        else:
            needed |= any(b'""' in cell[1:-1] for cell in marked)
    return begins and not needed


def _is_quoted(cell: bytes) -> bool:
    inner = cell[1:-1]
    is_closed = len(cell) > 1 and cell[:1] == cell[-1:] == b'"'
    return is_closed and b'"' not in inner.replace(b'""', b"")


def _lines(path: Path) -> Iterator[bytes]:
    """Lines that are not empty, without their ends; of very long ones parts."""
    with path.open("rb") as file:
        for raw in iter(lambda: file.readline(LOOKED_AT), b""):
            if line := raw.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n"):
                yield line
