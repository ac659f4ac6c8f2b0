"""One recipe, run or command line in full."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from tunebook.book import tables
from tunebook.book.described import DEFAULT, Described, Line, lines_of, shown

MARK = "*"


def show(described: Described, *, everything: bool, changed: bool) -> None:
    """Print the options, then each setting; those that differ from the defaults are marked."""
    settings = described.settings
    tables.show(Text(described.title, style="bold"))
    if settings.parent:
        tables.show(Text(f"copied from {settings.parent}"))
    if settings.expect:
        tables.show(Text(f"expect {settings.expect}"))
    chosen = [(group, Text(name, style="bold"), Text(by, style="dim"))
              for group, (name, by) in described.chosen.items()]  # fmt: skip
    tables.show("", tables.table(("OPTION", "", "CHOSEN BY"), chosen), "")
    lines = lines_of(described, everything=everything)
    listed = [line for line in lines if line.differs] if changed else lines
    heads = ("", "SETTING", "FROM", "VALUE")
    tables.show(tables.table(heads, _rows(listed)))
    _say_more(described, lines)


def _rows(lines: Iterable[Line]) -> Iterable[list[tables.Cell]]:
    for line in lines:
        style = "bold" if line.differs else "dim" if line.origin == DEFAULT else ""
        usual = f"  (by default {shown(line.usual)})" if line.differs else ""
        cells = (line.key, line.origin, shown(line.value) + usual)
        yield [MARK if line.differs else "", *(Text(cell, style=style) for cell in cells)]


def _say_more(described: Described, lines: Iterable[Line]) -> None:
    count = sum(line.differs for line in lines)
    tables.show(f"\n{MARK} differs from what these options have by default: {count}")
    for text in (*described.notes, *(f"warning: {one}" for one in described.advice)):
        tables.show(Text(text))
