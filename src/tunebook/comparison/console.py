"""Tables for a terminal. Everything that comes from a run folder is escaped."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from tunebook.comparison.columns import column_of, heading_of, is_best, telling_apart, usual
from tunebook.comparison.rendering import because, seeds_of, title_of
from tunebook.comparison.table import Row, Table
from tunebook.terminal import Console, safe

GAP = 2
WRAPPED = {"verdict": 15, "setting": 24}
"""Columns that may be wrapped at spaces, and the width that they need then."""


@dataclass(frozen=True)
class Shown:
    """One column as it is shown, with the characters that it needs."""

    heading: str
    text: Callable[[Row], str]
    is_text: bool
    width: int


def terminal_text(
    tables: Sequence[Table],
    columns: Sequence[str] = (),
    *,
    width: int | None = None,
    color: bool = False,
) -> str:
    """`tables` as they are shown in a terminal of `width` characters."""
    written = io.StringIO()
    colours: Any = {"force_terminal": color, "color_system": "auto" if color else None}
    console = Console(file=written, width=width, highlight=False, **colours)
    for number, table in enumerate(tables):
        if number:
            console.print()
        _show(table, columns, console)
    return written.getvalue()


def _show(table: Table, columns: Sequence[str], console: Console) -> None:
    console.print(_safe(title_of(table), "bold"))
    if table.apart:
        console.print(_safe(f"a table of its own, because of: {because(table)}"))
    for block in _blocks(table, columns, console.width):
        console.print()
        console.print(_grid(table, block))
    below = [_failure(row) for row in table.rows if not row.complete] + table.notes
    if below:
        console.print()
    for line in below:
        console.print(Padding(_safe(line), (0, 0, 0, 1)))


def _failure(row: Row) -> str:
    return f"{row.state}: {row.name} on {row.model}, seed {seeds_of(row)}: {row.reason}"


def _blocks(table: Table, columns: Sequence[str], width: int) -> list[list[Shown]]:
    """One grid where it fits, else results above costs, else with narrower rows."""
    if columns:
        return [_plain(table, telling_apart(columns, table))]
    what, result, cost = usual(table)
    stacked = _shown("method", lambda row: _stack(row, table), table)
    layouts = [
        [_plain(table, [*what, *result, *cost])],
        [_plain(table, [*what, *result]), _plain(table, [*what, *cost])],
        [[stacked, *_plain(table, result[1:])], [stacked, *_plain(table, cost)]],
    ]
    fitting = [layout for layout in layouts if max(map(_width, layout)) <= width]
    return (fitting or layouts[-1:])[0]


def _width(block: Sequence[Shown]) -> int:
    return sum(one.width for one in block) + GAP * (len(block) - 1)


def _plain(table: Table, names: Sequence[str]) -> list[Shown]:
    columns = ((name, column_of(name)) for name in names)
    return [
        _shown(
            heading_of(name, table), column.text, table, WRAPPED.get(name), is_text=column.is_text
        )
        for name, column in columns
    ]


def _shown(
    heading: str,
    text: Callable[[Row], str],
    table: Table,
    most: int | None = None,
    *,
    is_text: bool = True,
) -> Shown:
    lines = [line for row in table.rows for line in text(row).splitlines()]
    needed = max(map(len, [*lines, heading]))
    return Shown(heading, text, is_text, min(needed, most or needed))


def _stack(row: Row, table: Table) -> str:
    """All that a row is, in one narrow cell."""
    seeds = column_of("seeds").text(row)
    many = seeds.isdigit() and len({len(one.runs) for one in table.scored}) > 1 and row.complete
    first = [row.method, *([row.model] if len(table.models) > 1 else [])]
    lines = [" · ".join(first)]
    if table.group_by:
        group = column_of(table.group_by)
        lines.append(f"{group.heading}={group.text(row)}")
    lines += row.setting.split(", ") if row.setting else []
    lines += [f"{seeds} seed{'' if seeds == '1' else 's'}"] if many else []
    return "\n".join(lines)


def _grid(table: Table, block: Sequence[Shown]) -> RichTable:
    grid = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for one in block:
        grid.add_column(
            _safe(one.heading),
            justify="left" if one.is_text else "right",
            no_wrap=not one.is_text,
            overflow="fold",
            min_width=min(one.width, 24),
        )
    for row in table.rows:
        style = "bold" if is_best(row) else "" if row.complete else "dim"
        grid.add_row(*(_safe(one.text(row)) for one in block), style=style)
    return grid


def _safe(text: str, style: str = "") -> Text:
    """Text of a run folder: no markup, and no control character reaches the terminal."""
    return Text(safe(text), style)
