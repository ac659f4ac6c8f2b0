"""Which figures a table has; as files for papers, and as SVG inside a page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from tunebook.comparison.plots.figure import PAPER, Figure, Palette, drawn
from tunebook.comparison.plots.learning import learning_figure
from tunebook.comparison.plots.pareto import pareto_figures
from tunebook.comparison.plots.swept import swept_figures
from tunebook.comparison.table import Table

FORMATS = ("pdf", "png")
DOTS_PER_INCH = 300
FOR_PAPER = {"pdf.fonttype": 42}  # fonts that publishers accept, and whose text can be searched
FOR_PAGE = {"svg.fonttype": "none", "savefig.transparent": True}
SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
# Colours that nothing else has: each stands for a variable of the style sheet until it is written.
ON_SCREEN = Palette("#00fe01", "#00fe02", tuple(f"#00fd0{i}" for i in range(len(PAPER.lines))))
VARIABLES = {
    ON_SCREEN.ink: "var(--ink)",
    ON_SCREEN.faint: "var(--faint)",
    **{color: f"var(--line-{i})" for i, color in enumerate(ON_SCREEN.lines)},
}


def figures_of(table: Table) -> list[Figure]:
    """The figures that say something about this table: those with two points or more."""
    learning = learning_figure(table)
    return [*pareto_figures(table), *swept_figures(table), *([learning] if learning else [])]


def write_plots(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write every figure of every table as PDF and PNG; returns the files.

    Raises OSError where one cannot be written.
    """
    return [
        file
        for table, name in zip(tables, _names(tables), strict=True)
        for figure in figures_of(table)
        for file in _write(figure, folder / f"{name}-{figure.name}")
    ]


def _names(tables: Sequence[Table]) -> list[str]:
    """The task, numbered where it has several tables."""
    tasks = [table.task for table in tables]
    plain = [re.sub(r"[^\w-]+", "-", task) for task in tasks]
    return [
        f"{name}-{tasks[: i + 1].count(tasks[i])}" if tasks.count(tasks[i]) > 1 else name
        for i, name in enumerate(plain)
    ]


def _write(figure: Figure, start: Path) -> list[Path]:
    start.parent.mkdir(parents=True, exist_ok=True)
    written = []
    with drawn(figure, PAPER, FOR_PAPER) as drawing:
        for kind in FORMATS:
            file = start.with_name(f"{start.name}.{kind}")
            about = {"CreationDate": None} if kind == "pdf" else {}
            drawing.savefig(file, dpi=DOTS_PER_INCH, metadata={"Title": figure.title, **about})
            written.append(file)
    return written


def inline_svg(figure: Figure, prefix: str) -> str:
    """The figure as an <svg> element: text as text, colours by the page's style sheet.

    `prefix` keeps its ids apart from those of other figures.
    """
    written = io.BytesIO()
    options = {**FOR_PAGE, "svg.hashsalt": prefix}
    with warnings.catch_warnings(), drawn(figure, ON_SCREEN, options) as drawing:
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the glyph
        drawing.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())  # noqa: S314 (matplotlib's own)
    _take_out(root)
    _put_in_front(root, prefix)
    _describe(root, figure, prefix)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINK[1 : LINK.index("}")])
    text = ElementTree.tostring(root, encoding="unicode")
    return re.sub("|".join(VARIABLES), lambda found: VARIABLES[found[0]], text)


def _take_out(root: ElementTree.Element) -> None:
    """Metadata, and a style sheet that would reach the whole page."""
    for above in root.iter():
        for child in list(above):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                above.remove(child)


def _put_in_front(root: ElementTree.Element, prefix: str) -> None:
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, f"{prefix}-{value}")
            elif name == LINK:
                element.set(name, value.replace("#", f"#{prefix}-", 1))
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{prefix}-"))


def _describe(root: ElementTree.Element, figure: Figure, prefix: str) -> None:
    title = ElementTree.Element(f"{{{SVG}}}title", id=f"{prefix}-title")
    title.text = figure.title
    words = ElementTree.Element(f"{{{SVG}}}desc", id=f"{prefix}-words")
    words.text = figure.words
    root[:0] = [title, words]
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-words")
    for name in ("width", "height"):
        root.attrib.pop(name, None)
