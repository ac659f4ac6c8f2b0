"""Score against what it costs, and the Pareto front: the rows that no other row beats in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.comparison.columns import size
from tunebook.comparison.plots.figure import (
    Figure,
    Look,
    draw_intervals,
    label_of,
    set_scale,
    short_number,
)
from tunebook.comparison.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Point = tuple[float, float]
MOST_NAMED = 16


@dataclass(frozen=True)
class Cost:
    """Something that a row costs: a number of metrics.json."""

    name: str
    label: str
    path: tuple[str, ...]
    text: Callable[[float], str]


def _time(value: float) -> str:
    return f"{value:.3g} s" if value < 600 else f"{value / 60:.3g} min"


COSTS = (
    Cost("trainable", "trainable parameters", ("parameters", "trainable"), short_number),
    Cost("seconds", "training time", ("seconds", "train"), _time),
    Cost("memory", "peak memory", ("peak_memory_bytes",), size),
)


def pareto_figures(table: Table) -> list[Figure]:
    """A figure for each cost that is known of two rows or more."""
    found = ((cost, _rows(table, cost)) for cost in COSTS)
    return [_figure(table, cost, rows) for cost, rows in found if len(rows) > 1]


def front(points: Sequence[Point], *, higher_is_better: bool) -> list[int]:
    """Which of `points`, each (cost, score), are on the Pareto front, the cheapest first.

    A point is on it if no other costs as little and scores as well, and is better in one of them.
    """
    sign = -1 if higher_is_better else 1
    order = sorted(range(len(points)), key=lambda i: (points[i][0], sign * points[i][1]))
    found: list[int] = []
    for i in order:
        last = points[found[-1]] if found else None
        if last is None or points[i] == last or sign * points[i][1] < sign * last[1]:
            found.append(i)
    return found


def _rows(table: Table, cost: Cost) -> list[tuple[Row, Point]]:
    known = ((row, row.mean_of(*cost.path), row.score) for row in table.scored)
    return [(row, (float(x), y)) for row, x, y in known if x is not None and y is not None]


def _figure(table: Table, cost: Cost, rows: Sequence[tuple[Row, Point]]) -> Figure:
    points = [point for _, point in rows]
    best = front(points, higher_is_better=table.higher_is_better)
    named = "; ".join(
        f"{label_of(rows[i][0], table)} ({cost.text(points[i][0])}, {points[i][1]:.1f})"
        for i in best
    )

    def draw(axes: Axes, look: Look) -> None:
        dearest = max(x for x, _ in points)
        _draw_front(axes, look, [*(points[i] for i in best), (dearest, points[best[-1]][1])])
        named = range(len(rows)) if len(rows) <= MOST_NAMED else best[-MOST_NAMED:]
        _draw_others(axes, look, [point for i, point in enumerate(points) if i not in named])
        for i in sorted(named):
            _draw_point(axes, look, *rows[i], label_of(rows[i][0], table))
        set_scale(axes, "x", [x for x, _ in points], cost.text)
        axes.set_xlabel(cost.label)
        axes.set_ylabel(table.headline)

    title = f"{table.headline} against {cost.label}"
    words = f"{len(rows)} rows. On the Pareto front, the cheapest first: {named}."
    return Figure(f"pareto-{cost.name}", title, words, table, draw)


def _draw_front(axes: Axes, look: Look, points: Sequence[Point]) -> None:
    """Steps: what costs more than one point and less than the next scores as the cheaper one."""
    xs, ys = zip(*points, strict=True)
    style: Any = {"color": look.palette.faint, "linewidth": 1, "linestyle": "--", "zorder": 1}
    axes.plot(xs, ys, drawstyle="steps-post", label="Pareto front", **style)


def _draw_others(axes: Axes, look: Look, points: Sequence[Point]) -> None:
    """Points that are too many to be named one by one."""
    if points:
        xs, ys = zip(*points, strict=True)
        style: Any = {"color": look.palette.faint, "markersize": 4, "zorder": 1}
        axes.plot(xs, ys, ".", label=f"{len(points)} other rows", **style)


def _draw_point(axes: Axes, look: Look, row: Row, point: Point, label: str) -> None:
    style = look.of(row)
    draw_intervals(axes, [point], [(row.low, row.high)], style["color"])
    axes.plot([point[0]], [point[1]], label=label, linestyle="none", **style)
