"""Two recipes or runs side by side: the settings in which they differ."""

from __future__ import annotations

from rich.text import Text

from tunebook.book import tables
from tunebook.book.described import BEHIND_THE_SCENES, Described, shown, values_of

ABSENT = "-"
MOST_IN_A_COLUMN = 60  # characters


def differences(
    one: Described, other: Described, *, everything: bool = False
) -> list[tuple[str, str, str]]:
    """(key, its value in `one`, its value in `other`) for each key whose value differs.

    A key that one side does not have, such as a rank where the method is prompt tuning, is `-`.
    Keys that change no result are left out but where `everything` is asked for.
    """
    sides = [dict(_values(side, everything)) for side in (one, other)]
    keys = dict.fromkeys([*sides[0], *sides[1]])
    pairs = [(key, *(side.get(key, ABSENT) for side in sides)) for key in keys]
    return [(key, left, right) for key, left, right in pairs if left != right]


def _values(side: Described, everything: bool) -> list[tuple[str, str]]:
    return [
        (key, shown(value))
        for key, value, field in values_of(side.settings)
        if everything
        or (field.metadata.get("changes_result", True) and key not in BEHIND_THE_SCENES)
    ]


def show(one: Described, other: Described, *, everything: bool) -> None:
    """Print what differs, or that nothing does."""
    found = differences(one, other, everything=everything)
    if other.settings.parent:
        tables.show(Text(f"{other.title} was copied from {other.settings.parent}"))
    short = [row for row in found if max(map(len, row)) <= MOST_IN_A_COLUMN]
    if short:
        rows = ((key, Text(left, style="red"), Text(right, style="green"))
                for key, left, right in short)  # fmt: skip
        tables.show(tables.table(("SETTING", one.title, other.title), rows))
    for key, left, right in (row for row in found if row not in short):
        tables.show(f"\n{key}", Text(f"- {left}", style="red"), Text(f"+ {right}", style="green"))
    if not found:
        tables.show("no setting differs that changes the result")
    for note in dict.fromkeys([*one.notes, *other.notes]):
        tables.show(Text(note))
