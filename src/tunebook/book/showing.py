"""One recipe, run or command line in full, or two of them side by side."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text

from tunebook.book import tables
from tunebook.book.described import (
    BEHIND_THE_SCENES,
    DEFAULT,
    Described,
    Line,
    lines_of,
    shown,
    values_of,
)

MARK = "*"
ABSENT = "-"
MOST_IN_A_COLUMN = 60  # characters


def show(described: Described, *, everything: bool, changed: bool) -> None:
    """Print the options, then each setting; those that differ from the defaults are marked."""
    settings = described.settings
    tables.show(Text(described.title, style="bold"))
    if settings.parent:
        tables.show(Text(f"copied from {settings.parent}"))
    if settings.expect:
        tables.show(Text(f"expect {settings.expect}"))
    chosen = [
        (group, Text(name, style="bold"), Text(by, style="dim"))
        for group, (name, by) in described.chosen.items()
    ]
    tables.show("", tables.table(("OPTION", "", "CHOSEN BY"), chosen), "")
    lines = lines_of(described, everything=everything)
    listed = [line for line in lines if line.differs] if changed else lines
    tables.show(tables.table(("", "SETTING", "FROM", "VALUE"), _rows(listed)))
    count = sum(line.differs for line in lines)
    tables.show(f"\n{MARK} differs from what these options have by default: {count}")
    for text in (*described.notes, *(f"warning: {one}" for one in described.advice)):
        tables.show(Text(text))


def _rows(lines: Iterable[Line]) -> Iterable[list[tables.Cell]]:
    for line in lines:
        style = "bold" if line.differs else "dim" if line.origin == DEFAULT else ""
        usual = f"  (by default {shown(line.usual)})" if line.differs else ""
        cells = (line.key, line.origin, shown(line.value) + usual)
        yield [MARK if line.differs else "", *(Text(cell, style=style) for cell in cells)]


def show_differences(one: Described, other: Described, *, everything: bool) -> None:
    """Print what differs, or that nothing does."""
    found = differences(one, other, everything=everything)
    if other.settings.parent:
        tables.show(Text(f"{other.title} was copied from {other.settings.parent}"))
    short = [row for row in found if max(map(len, row)) <= MOST_IN_A_COLUMN]
    if short:
        rows = [
            (key, Text(left, style="red"), Text(right, style="green")) for key, left, right in short
        ]
        tables.show(tables.table(("SETTING", one.title, other.title), rows))
    for key, left, right in (row for row in found if row not in short):
        tables.show(f"\n{key}", Text(f"- {left}", style="red"), Text(f"+ {right}", style="green"))
    if not found:
        tables.show("no setting differs that changes the result")
    for note in dict.fromkeys([*one.notes, *other.notes]):
        tables.show(Text(note))


def differences(
    one: Described, other: Described, *, everything: bool = False
) -> list[tuple[str, str, str]]:
    """(key, its value in `one`, its value in `other`) for each key whose value differs.

    A key that one side does not have, such as a rank where the method is prompt tuning, is `-`.
    Keys that change no result are left out but where `everything` is asked for.
    """
    left, right = _values(one, everything), _values(other, everything)
    pairs = [(key, left.get(key, ABSENT), right.get(key, ABSENT)) for key in {**left, **right}]
    return [row for row in pairs if row[1] != row[2]]


def _values(side: Described, everything: bool) -> dict[str, str]:
    return {
        key: shown(value)
        for key, value, field in values_of(side.settings)
        if everything
        or (field.metadata.get("changes_result", True) and key not in BEHIND_THE_SCENES)
    }
