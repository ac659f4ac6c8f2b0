"""Curves over a swept setting: score against its value, one line for all that is equal besides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tunebook.comparison.columns import order_of
from tunebook.comparison.keys import short_names, tells_rows_apart
from tunebook.comparison.plots.figure import LONGEST_LABEL, Figure, Look, draw_intervals, set_scale
from tunebook.comparison.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEWEST = 3  # values that make a curve, where nobody has asked for it
MOST_CURVES = 12
MOST_TICKS = 8


def swept_figures(table: Table) -> list[Figure]:
    """A figure for the setting that the table is grouped by, else for each that makes a curve."""
    keys = [table.group_by] if table.group_by else _swept_numbers(table)
    found = [(key, _lines(table, key)) for key in keys]
    return [_figure(Curves(table, key, lines)) for key, lines in found if lines]


def _swept_numbers(table: Table) -> list[str]:
    settings = {key for row in table.complete for key in row.first.settings}
    telling = [key for key in sorted(settings) if tells_rows_apart(key, trains=True)]
    curves = {key: _lines(table, key, only_numbers=True) for key in telling}
    return [key for key in telling if any(len(line) >= FEWEST for line in curves[key])]


def _lines(table: Table, key: str, *, only_numbers: bool = False) -> list[list[Row]]:
    """Rows that differ in `key` alone, together, each line in the order of the values.

    Rows that validation ruled out are there too: curves over settings of one method show its loss.
    """
    found: dict[Hashable, list[Row]] = {}
    for row in table.complete:
        value = row.value_of(key)
        if value is not None and (_is_number(value) or not only_numbers):
            found.setdefault(_all_but(row, key), []).append(row)
    lines = [sorted(rows, key=lambda row: order_of(row.value_of(key))) for rows in found.values()]
    return [line for line in lines if len({repr(row.value_of(key)) for row in line}) > 1]


def _all_but(row: Row, key: str) -> Hashable:
    run = row.first
    return frozenset(
        (name, repr(value))
        for name, value in run.settings.items()
        if name != key and tells_rows_apart(name, trains=run.trains)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class Curves:
    """The lines of one figure, over the values of the setting `key`."""

    table: Table
    key: str
    lines: Sequence[list[Row]]

    @property
    def name(self) -> str:
        """What the setting is called."""
        return short_names([self.key])[self.key]

    @property
    def shown(self) -> Sequence[list[Row]]:
        """Those that a figure has room for."""
        return self.lines[:MOST_CURVES]

    @property
    def by_loss(self) -> bool:
        """Whether settings of one method are compared, by validation loss."""
        return any(row.chosen is not None for line in self.shown for row in line)

    @cached_property
    def values(self) -> dict[str, Any]:
        """Each value once, by its representation."""
        rows = [row for line in self.shown for row in line]
        return {repr(row.value_of(self.key)): row.value_of(self.key) for row in rows}

    @property
    def are_numbers(self) -> bool:
        """Whether every value is a number."""
        return all(map(_is_number, self.values.values()))

    @cached_property
    def places(self) -> dict[str, float]:
        """Where each value stands: numbers at themselves, others side by side."""
        if self.are_numbers:
            return {name: float(value) for name, value in self.values.items()}
        ordered = sorted(self.values, key=lambda name: order_of(self.values[name]))
        return {name: float(i) for i, name in enumerate(ordered)}

    def points(self, line: Sequence[Row]) -> list[tuple[float, float]]:
        """(place of the value, height) of each row."""
        return [(self.places[repr(row.value_of(self.key))], _height(row)) for row in line]

    def label(self, line: Sequence[Row]) -> str:
        """Method, model where there are several, and what else differs between lines."""
        row = line[0]
        parts = [part for part in row.setting.split(", ") if not part.startswith(f"{self.name}=")]
        model = [f"· {row.model}"] if len(self.table.models) > 1 else []
        return " ".join(" ".join([row.method, *parts, *model]).split())[:LONGEST_LABEL]

    def words(self, line: Sequence[Row]) -> str:
        """A line for those who do not see it."""
        digits = 1 if all(row.chosen is None for row in line) else 4
        at = (f"{_height(row):.{digits}f} at {row.value_of(self.key)}" for row in line)
        return f"{self.label(line)}: {', '.join(at)}"


def _height(row: Row) -> float:
    """The validation loss where settings of one method are compared, else the score."""
    height = row.score if row.chosen is None else row.validation_loss
    return height or 0.0


def _figure(curves: Curves) -> Figure:
    table = curves.table
    what = "validation loss" if curves.by_loss else table.headline
    level = [row for row in table.scored if row.value_of(curves.key) is None and not curves.by_loss]

    def draw(axes: Axes, look: Look) -> None:
        for line in curves.shown:
            _draw_line(axes, look, line, curves)
        for row in level[:MOST_CURVES]:  # to which the setting means nothing, such as a baseline
            style = {**look.dashed(row), "marker": ""}
            axes.axhline(row.score or 0.0, label=row.name, linewidth=1, **style)
        _label_values(axes, curves)
        axes.set_xlabel(curves.name)
        axes.set_ylabel(what)

    count = len(curves.lines)
    left_out = f", {MOST_CURVES} of {count} curves" if count > MOST_CURVES else ""
    words = "; ".join(map(curves.words, curves.shown))
    title = f"{what} over {curves.name}{left_out}"
    return Figure(f"over-{curves.name.replace('.', '-')}", title, f"{words}.", table, draw)


def _draw_line(axes: Axes, look: Look, line: Sequence[Row], curves: Curves) -> None:
    points, style = curves.points(line), look.dashed(line[0])
    ends = [(None, None) if row.chosen is not None else (row.low, row.high) for row in line]
    draw_intervals(axes, points, ends, style["color"])
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, label=curves.label(line), **style)


def _label_values(axes: Axes, curves: Curves) -> None:
    places = list(curves.places.values())
    if not curves.are_numbers:
        texts = [str(curves.values[name])[:16] for name in curves.places]
        axes.set_xticks(places, texts)
        return
    set_scale(axes, "x", places)
    if len(places) <= MOST_TICKS:
        axes.set_xticks(places)
        axes.minorticks_off()
