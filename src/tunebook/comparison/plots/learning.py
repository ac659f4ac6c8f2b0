"""Learning curves: validation loss against steps, one line a row, its seeds thin behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import documents
from tunebook.comparison.plots.figure import Figure, Look, label_of, set_scale
from tunebook.comparison.table import Row, Table
from tunebook.documents import BrokenDocument
from tunebook.runs.reading import LARGEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curve = dict[int, float]
HISTORY = "history.jsonl"
MOST_LINES = 10


def learning_figure(table: Table) -> Figure | None:
    """The rows that trained, the best ones where there are many; None where nothing is recorded."""
    known = [(row, _curves(row)) for row in _best_first(table)]
    drawn = [(row, curves) for row, curves in known if curves]
    shown = drawn[:MOST_LINES]
    if not shown:
        return None

    def draw(axes: Axes, look: Look) -> None:
        for row, curves in shown:
            _draw_row(axes, look, row, curves, label_of(row, table))
        losses = [loss for _, curves in shown for curve in curves for loss in curve.values()]
        set_scale(axes, "y", losses)
        axes.set_xlabel("step")
        axes.set_ylabel("validation loss")

    left_out = f", the best {MOST_LINES} of {len(drawn)} rows" if len(drawn) > MOST_LINES else ""
    return Figure("learning", f"Validation loss{left_out}", _words(table, shown), table, draw)


def _best_first(table: Table) -> list[Row]:
    sign = -1 if table.higher_is_better else 1
    return sorted(table.complete, key=lambda row: (row.chosen is False, sign * (row.score or 0.0)))


def _curves(row: Row) -> list[Curve]:
    found = (validation_losses(run.path / HISTORY) for run in row.runs if run.trains)
    return [curve for curve in found if curve]


def validation_losses(path: Path) -> Curve:
    """The validation loss at each step of a history; lines that say nothing are passed over."""
    found: Curve = {}
    try:
        lines = documents.read_text(path).splitlines()
    except BrokenDocument:
        return found
    for line in lines:
        with contextlib.suppress(BrokenDocument):
            row = documents.parse_json(line, HISTORY, dict, finite=True)
            step, loss = row.get("step"), row.get("validation_loss")
            if _fits(step, int) and _fits(loss, (int, float)):
                found[step] = float(loss)
    return found


def _fits(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool) and abs(value) < LARGEST


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean over seeds at the steps that all of them have."""
    steps = sorted(set.intersection(*map(set, curves)))
    return {step: sum(curve[step] for curve in curves) / len(curves) for step in steps}


def _draw_row(axes: Axes, look: Look, row: Row, curves: Sequence[Curve], label: str) -> None:
    style = look.dashed(row)
    if len(curves) > 1:
        for curve in curves:
            thin = {**style, "marker": "", "linewidth": 0.6, "alpha": 0.6}
            axes.plot(list(curve), list(curve.values()), **thin)
    mean = mean_curve(curves)
    axes.plot(list(mean), list(mean.values()), label=label, markersize=4, **style)


def _words(table: Table, shown: Sequence[tuple[Row, list[Curve]]]) -> str:
    ends = []
    for row, curves in shown:
        if losses := list(mean_curve(curves).values()):
            ends.append(f"{label_of(row, table)} from {losses[0]:.3g} to {losses[-1]:.3g}")
    return f"Mean over seeds: {'; '.join(ends)}."
