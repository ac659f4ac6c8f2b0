"""One figure: what it is called, what it says in words, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

    from tunebook.comparison.table import Row, Table

WIDTH, HEIGHT, LEGEND_LINE = 4.8, 3.2, 0.19  # inches; text stays readable on a phone's width
LONGEST_LABEL = 50
MARKERS = "os^DvPX*h"  # 9 markers and 8 colours: 72 rows before a pair comes again
DASHES = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


@dataclass(frozen=True)
class Palette:
    """The colours of a figure; the report's are names that its style sheet gives colours to."""

    ink: str
    faint: str
    lines: Sequence[str]


# M. Okabe and K. Ito, Color Universal Design, 2008, but for yellow, which paper does not show.
PAPER = Palette("#222222", "#999999", (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#7b5ea7", "#555555",
))  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How rows of a table look in its figures: alike in all of them."""

    palette: Palette
    rows: Sequence[Row]

    def of(self, row: Row) -> dict[str, Any]:
        """Colour and marker of a row, for matplotlib."""
        at = next(i for i, one in enumerate(self.rows) if one is row)
        lines = self.palette.lines
        hollow = {"markerfacecolor": "none", "markeredgewidth": 1.4}  # shows what lies behind
        return {"color": lines[at % len(lines)], "marker": MARKERS[at % len(MARKERS)], **hollow}

    def dashed(self, row: Row) -> dict[str, Any]:
        """The same with a line style."""
        at = next(i for i, one in enumerate(self.rows) if one is row)
        return {**self.of(row), "linestyle": DASHES[at % len(DASHES)]}


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
    text = dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"),
                         palette.ink)  # fmt: skip
    return {
        **text,
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
