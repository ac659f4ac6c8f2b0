"""All that is printed passes here: text of data, recipes, models or file names moves no cursor."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters, what turns the direction of writing, halves of characters; not a line end."""
COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def safe(text: object) -> str:
    """`text` with `?` for each character that a terminal would obey."""
    return CONTROL.sub("?", str(text))


def show(text: object = "", end: str = "\n", *, coloured: bool = False) -> None:
    """Print on standard output. coloured: colours in `text` are meant, having been put there."""
    _print(sys.stdout, _safe_but_colours(str(text)) if coloured else safe(text), end)


def answer(text: str) -> None:
    """Print what a program may read: as it is, unless a person looks at it on a terminal."""
    _print(sys.stdout, safe(text) if sys.stdout.isatty() else text, "\n")


def note(text: object) -> None:
    """Print a line on standard error."""
    _print(sys.stderr, safe(text), "\n")


def _safe_but_colours(text: str) -> str:
    parts = COLOUR.split(text)
    return "".join(part if number % 2 else safe(part) for number, part in enumerate(parts))


def _print(stream: TextIO, text: str, end: str) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), end=end, file=stream, flush=True)


class Console(rich.console.Console):
    """rich's, through which no text moves the cursor; what rich itself does still may."""

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Called by rich for everything that it prints."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else safe(text), style, control)


def console(*, width_of_a_pipe: int | None = None, **options: Any) -> Console:
    """For tables; as wide as the terminal, or as `width_of_a_pipe` where there is none."""
    found = Console(highlight=False, **options)
    if found.is_terminal or width_of_a_pipe is None:
        return found
    return Console(highlight=False, width=width_of_a_pipe, **options)
