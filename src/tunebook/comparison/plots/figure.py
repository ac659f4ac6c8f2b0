"""One figure: what it is called, what it says in words, and how it is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from tunebook.comparison.table import Row, Table

Ends = tuple[float | None, float | None]
WIDTH, HEIGHT, LEGEND_LINE = 4.8, 3.2, 0.19  # inches; text stays readable on a phone's width
LONGEST_LABEL = 50
MARKERS = "os^DvPX*h"  # 9 markers and 8 colours: 72 rows before a pair comes again
MOST_TICKS = 6
WIDE = 10.0  # the largest over the smallest value from which on a logarithm shows more
SHORT = 1000.0  # below that, powers of ten alone are too few ticks
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Palette:
    """The colours of a figure; the report's are names that its style sheet gives colours to."""

    ink: str
    faint: str
    lines: Sequence[str]


# M. Okabe and K. Ito, Color Universal Design, 2008, but for yellow, which paper does not show.
OKABE_ITO = "#0072b2 #d55e00 #009e73 #cc79a7 #56b4e9 #e69f00 #7b5ea7 #555555"
PAPER = Palette("#222222", "#999999", tuple(OKABE_ITO.split()))


@dataclass(frozen=True)
class Look:
    """How rows of a table look in its figures: alike in all of them."""

    palette: Palette
    rows: Sequence[Row]

    def of(self, row: Row) -> dict[str, Any]:
        """Colour and marker of a row, for matplotlib."""
        at, lines = self._place(row), self.palette.lines
        hollow = {"markerfacecolor": "none", "markeredgewidth": 1.4}  # shows what lies behind
        return {"color": lines[at % len(lines)], "marker": MARKERS[at % len(MARKERS)], **hollow}

    def dashed(self, row: Row) -> dict[str, Any]:
        """The same with a line style."""
        return {**self.of(row), "linestyle": DASHES[self._place(row) % len(DASHES)]}

    def _place(self, row: Row) -> int:
        return next(i for i, one in enumerate(self.rows) if one is row)


@dataclass(frozen=True)
class Figure:
    """A figure of one table.

    name: for file names. words: what there is to see, for those who do not see it.
    draw: puts it into axes; whatever has a label comes into the legend.
    """

    name: str
    title: str
    words: str
    table: Table
    draw: Callable[[Axes, Look], None]


def label_of(row: Row, table: Table) -> str:
    """A row's name in a legend."""
    name = f"{row.name} · {row.model}" if len(table.models) > 1 else row.name
    text = " ".join(name.split())
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 1] + "…"


@contextmanager
def drawn(figure: Figure, palette: Palette, options: Mapping[str, Any]) -> Iterator[Drawing]:
    """The figure as matplotlib's, with these of its options in force."""
    import matplotlib
    from matplotlib.figure import Figure as Drawing

    all_options: Any = {**_options(palette), **options}
    with matplotlib.rc_context(all_options):
        drawing = Drawing(figsize=(WIDTH, HEIGHT), layout="constrained")
        axes = drawing.add_subplot()
        figure.draw(axes, Look(palette, figure.table.rows))
        _add_legend(drawing, axes)
        yield drawing


def _options(palette: Palette) -> dict[str, Any]:
    return {
        "text.color": palette.ink,
        "axes.labelcolor": palette.ink,
        "xtick.color": palette.ink,
        "ytick.color": palette.ink,
        "text.parse_math": False,  # labels hold text of the user
        "axes.edgecolor": palette.faint,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": palette.faint,
        "grid.alpha": 0.3,
        "grid.linewidth": 0.5,
        "font.size": 10,
        "legend.fontsize": 9,
        "lines.linewidth": 1.4,
        "lines.markersize": 6,
    }


def _add_legend(drawing: Drawing, axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if not handles:
        return
    columns = 2 if len(labels) > 3 and max(map(len, labels)) <= LONGEST_LABEL // 2 else 1
    lines = -(-len(labels) // columns)
    drawing.set_figheight(HEIGHT + LEGEND_LINE * lines)
    drawing.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False)


def draw_intervals(
    axes: Axes, points: Sequence[tuple[float, float]], ends: Sequence[Ends], color: str
) -> None:
    """A thin line around each point (x, y), where its ends (low, high) are known."""
    xs, ys = zip(*points, strict=True)
    pairs = list(zip(ys, ends, strict=True))
    low = [0.0 if end is None else max(0.0, y - end) for y, (end, _) in pairs]
    high = [0.0 if end is None else max(0.0, end - y) for y, (_, end) in pairs]
    axes.errorbar(xs, ys, yerr=[low, high], fmt="none", color=color, elinewidth=1, capsize=2)


def set_scale(
    axes: Axes, axis: str, values: Sequence[float], text: Callable[[float], str] | None = None
) -> None:
    """Make axis "x" or "y" logarithmic where `values` span a power of ten or more.

    Zeros among them keep their place at the end of the axis. text: of a tick.
    """
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter

    one = axes.xaxis if axis == "x" else axes.yaxis
    scale = axes.set_xscale if axis == "x" else axes.set_yscale
    above = [value for value in values if value > 0]
    if above and min(values) >= 0 and max(above) >= WIDE * min(above):
        if min(values) > 0:
            scale("log")
            few = max(above) < SHORT * min(above)
            one.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        else:
            powers = _powers_of_ten(above)
            scale("symlog", linthresh=powers[0], linscale=0.6)
            one.set_major_locator(FixedLocator([0.0, *powers]))
        one.set_minor_formatter(NullFormatter())
    else:
        one.set_major_locator(MaxNLocator(MOST_TICKS))
    one.set_major_formatter(lambda value, _: (text or short_number)(value))


def _powers_of_ten(values: Sequence[float]) -> list[float]:
    least, most = (math.floor(math.log10(value)) for value in (min(values), max(values)))
    return [10.0**power for power in range(least, most + 1)]


def short_number(value: float) -> str:
    """0.001, 12, 1k, 2.5M."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"
