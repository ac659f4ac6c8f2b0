"""Tables as the page shows them: cells with their exact values, figures as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.comparison.columns import column_of, heading_of, is_best, usual
from tunebook.comparison.folders import as_seen
from tunebook.comparison.plots import figures_of, inline_svg
from tunebook.comparison.rendering import title_of
from tunebook.comparison.table import Row, Table

REASON = "verdict"
"""The column in which a row without a score says why it has none."""
LONGEST_REASON = 300


@dataclass(frozen=True)
class Heading:
    """The head of a column; `first` is the order that the first click on it gives."""

    text: str
    meaning: str
    is_text: bool
    first: str


@dataclass(frozen=True)
class Cell:
    """What a cell shows, its values in full, and what it is sorted by (empty where unknown)."""

    text: str
    exact: str
    key: str
    is_text: bool


@dataclass(frozen=True)
class Line:
    """One row."""

    cells: Sequence[Cell]
    best: bool
    state: str
    folders: Sequence[str]


@dataclass(frozen=True)
class Drawn:
    """A figure; `svg` is our own markup."""

    title: str
    words: str
    svg: str


@dataclass(frozen=True)
class Part:
    """One table with all that belongs to it; `name` is its id in the page."""

    name: str
    title: str
    table: Table
    headings: Sequence[Heading]
    lines: Sequence[Line]
    figures: Sequence[Drawn]


def parts_of(tables: Sequence[Table], folder: Path) -> list[Part]:
    """A part of the page for each table; run folders are named as seen from `folder`."""
    return [_part(table, f"table-{number}", folder) for number, table in enumerate(tables, 1)]


def _part(table: Table, name: str, folder: Path) -> Part:
    names = [column for group in usual(table) for column in group]
    figures = [
        Drawn(figure.title, figure.words, inline_svg(figure, f"{name}-{figure.name}"))
        for figure in figures_of(table)
    ]
    return Part(
        name, title_of(table), table, [_heading(column, table) for column in names],
        [_line(row, names, folder) for row in table.rows], figures,
    )  # fmt: skip


def _heading(name: str, table: Table) -> Heading:
    column = column_of(name)
    high = column.best_first == "high" or (column.best_first == "score" and table.higher_is_better)
    first = "descending" if high else "ascending"
    return Heading(heading_of(name, table), column.meaning, column.is_text, first)


def _line(row: Row, names: Sequence[str], folder: Path) -> Line:
    return Line(
        [_cell(row, name) for name in names], is_best(row), row.state,
        [f"{row.name}, seed {run.seed}: {as_seen(run.path, folder)}" for run in row.runs],
    )  # fmt: skip


def _cell(row: Row, name: str) -> Cell:
    column, values = column_of(name), column_of(name).values(row)
    if name == REASON and not row.complete:
        values = {"reason": row.reason}
        return Cell(_short(row.reason), _exact(values), "", is_text=True)
    key = next(iter(values.values()))
    return Cell(column.text(row), _exact(values), _text(key), column.is_text)


def _exact(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items() if _text(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - 1] + "…"
