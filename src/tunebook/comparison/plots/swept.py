"""Curves over a swept setting: score against its value, one line for all that is equal besides."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from tunebook.comparison.keys import short_names, tells_rows_apart
from tunebook.comparison.plots.figure import LONGEST_LABEL, Figure, Look
from tunebook.comparison.plots.scales import set_scale
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
    return [_figure(table, key, lines) for key, lines in found if lines]


def _complete(table: Table) -> list[Row]:
    """Those that validation ruled out too: curves over settings of one method show its loss."""
    return [row for row in table.rows if row.complete]


def _swept_numbers(table: Table) -> list[str]:
    settings = {key for row in _complete(table) for key in row.runs[0].settings}
    telling = [key for key in sorted(settings) if tells_rows_apart(key, trains=True)]
    return [
        key for key in telling
        if any(len(line) >= FEWEST for line in _lines(table, key, only_numbers=True))
    ]  # fmt: skip


def _lines(table: Table, key: str, *, only_numbers: bool = False) -> list[list[Row]]:
    """Rows that differ in `key` alone, together, each line in the order of the values."""
    found: dict[Hashable, list[Row]] = {}
    for row in _complete(table):
        value = row.value_of(key)
        if value is not None and (_is_number(value) or not only_numbers):
            found.setdefault(_all_but(row, key), []).append(row)
    lines = [sorted(rows, key=lambda row: _place(row.value_of(key))) for rows in found.values()]
    return [line for line in lines if len({repr(row.value_of(key)) for row in line}) > 1]


def _all_but(row: Row, key: str) -> Hashable:
    run = row.runs[0]
    rest = ((name, repr(value)) for name, value in run.settings.items()
            if name != key and tells_rows_apart(name, trains=run.trains))  # fmt: skip
    return frozenset(rest)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _place(value: Any) -> tuple[bool, Any]:
    return not _is_number(value), value if _is_number(value) else str(value)


def _figure(table: Table, key: str, lines: Sequence[list[Row]]) -> Figure:
    name = short_names([key])[key]
    shown = lines[:MOST_CURVES]
    by_loss = any(row.chosen is not None for line in shown for row in line)
    what = "validation loss" if by_loss else table.headline
    labels = _labels(table, shown, name)
    level = [row for row in table.scored if row.value_of(key) is None and not by_loss]

    def draw(axes: Axes, look: Look) -> None:
        places = _places(shown, key)
        for line, label in zip(shown, labels, strict=True):
            _draw_line(axes, look, line, [places[repr(row.value_of(key))] for row in line], label)
        for row in level[:MOST_CURVES]:
            _draw_level(axes, look, row)
        _label_values(axes, shown, key)
        axes.set_xlabel(name)
        axes.set_ylabel(what)

    left_out = f", {MOST_CURVES} of {len(lines)} curves" if len(lines) > MOST_CURVES else ""
    words = "; ".join(f"{label}: {_scores(line, key)}"
                      for line, label in zip(shown, labels, strict=True))  # fmt: skip
    return Figure(f"over-{name.replace('.', '-')}", f"{what} over {name}{left_out}",
                  f"{words}.", table, draw)  # fmt: skip


def _labels(table: Table, lines: Sequence[list[Row]], name: str) -> list[str]:
    """Method, model where there are several, and what else differs between lines."""
    found = []
    for line in lines:
        row = line[0]
        rest = [
            part for part in row.setting.split(", ") if part and not part.startswith(f"{name}=")
        ]
        parts = [row.method, *rest, *([f"· {row.model}"] if len(table.models) > 1 else [])]
        found.append(" ".join(" ".join(parts).split())[:LONGEST_LABEL])
    return found


def _scores(line: Sequence[Row], key: str) -> str:
    digits = 1 if all(row.chosen is None for row in line) else 4
    return ", ".join(f"{_height(row):.{digits}f} at {row.value_of(key)}" for row in line)


def _height(row: Row) -> float:
    """The validation loss where settings of one method are compared, else the score."""
    height = row.score if row.chosen is None else row.validation_loss
    return height or 0.0


def _all_numbers(lines: Sequence[list[Row]], key: str) -> bool:
    return all(_is_number(row.value_of(key)) for line in lines for row in line)


def _places(lines: Sequence[list[Row]], key: str) -> dict[str, float]:
    """Where each value stands: numbers at themselves, others side by side."""
    values = {repr(row.value_of(key)): row.value_of(key) for line in lines for row in line}
    if _all_numbers(lines, key):
        return {name: float(value) for name, value in values.items()}
    ordered = sorted(values, key=lambda name: _place(values[name]))
    return {name: float(i) for i, name in enumerate(ordered)}


def _draw_line(
    axes: Axes, look: Look, line: Sequence[Row], places: Sequence[float], label: str
) -> None:
    scores = [_height(row) for row in line]
    ends = [(None, None) if row.chosen is not None else (row.low, row.high) for row in line]
    low = [0.0 if end is None else max(0.0, score - end)
           for score, (end, _) in zip(scores, ends, strict=True)]  # fmt: skip
    high = [0.0 if end is None else max(0.0, end - score)
            for score, (_, end) in zip(scores, ends, strict=True)]  # fmt: skip
    style = look.dashed(line[0])
    axes.errorbar(places, scores, yerr=[low, high], fmt="none", color=style["color"],
                  elinewidth=1, capsize=2)  # fmt: skip
    axes.plot(places, scores, label=label, **style)


def _draw_level(axes: Axes, look: Look, row: Row) -> None:
    """A row to which the setting means nothing, such as a baseline."""
    style = {**look.dashed(row), "marker": ""}
    axes.axhline(row.score or 0.0, label=row.name, linewidth=1, **style)


def _label_values(axes: Axes, lines: Sequence[list[Row]], key: str) -> None:
    places = _places(lines, key)
    if _all_numbers(lines, key):
        set_scale(axes, "x", list(places.values()))
        if len(places) <= MOST_TICKS:
            axes.set_xticks(list(places.values()))
            axes.minorticks_off()
        return
    shown = {place: name for name, place in places.items()}
    texts = {repr(row.value_of(key)): str(row.value_of(key)) for line in lines for row in line}
    axes.set_xticks(list(shown), [texts[name][:16] for name in shown.values()])
