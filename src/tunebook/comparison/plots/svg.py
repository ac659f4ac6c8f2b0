"""A figure as SVG to stand inside a page: text as text, colours by the page's style sheet."""

from __future__ import annotations

import io
import re
import warnings
from xml.etree import ElementTree

from tunebook.comparison.plots.figure import PAPER, Figure, Palette, drawn

SVG = "http://www.w3.org/2000/svg"
LINK = "{http://www.w3.org/1999/xlink}href"
OPTIONS = {"svg.fonttype": "none", "savefig.transparent": True}
# Colours that nothing else has: each stands for a variable of the style sheet until it is written.
ON_SCREEN = Palette("#00fe01", "#00fe02", tuple(f"#00fd0{i}" for i in range(len(PAPER.lines))))
VARIABLES = {
    ON_SCREEN.ink: "var(--ink)",
    ON_SCREEN.faint: "var(--faint)",
    **{color: f"var(--line-{i})" for i, color in enumerate(ON_SCREEN.lines)},
}


def inline_svg(figure: Figure, prefix: str) -> str:
    """The figure as an <svg> element; `prefix` keeps its ids apart from those of other figures."""
    written = io.BytesIO()
    options = {**OPTIONS, "svg.hashsalt": prefix}
    with warnings.catch_warnings(), drawn(figure, ON_SCREEN, options) as drawing:
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the browser has the glyph
        drawing.savefig(written, format="svg", metadata={"Date": None})
    root = ElementTree.fromstring(written.getvalue())  # noqa: S314 (matplotlib's own)
    _take_out(root)
    _put_in_front(root, prefix)
    _describe(root, figure, prefix)
    return _colored(_serialised(root))


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


def _serialised(root: ElementTree.Element) -> str:
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", LINK[1 : LINK.index("}")])
    return ElementTree.tostring(root, encoding="unicode")


def _colored(text: str) -> str:
    return re.sub("|".join(VARIABLES), lambda found: VARIABLES[found[0]], text)
