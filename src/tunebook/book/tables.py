"""Tables for a terminal, and the same as plain columns where the output goes elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from tunebook import terminal

Cell = str | Text


def console() -> terminal.Console:
    """For standard output: as wide as the terminal, without an edge where there is none."""
    return terminal.console(width_of_a_pipe=100_000)


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Columns without a frame; the last one is broken where space is short."""
    made = Table(box=None, pad_edge=False, show_header=any(heads), header_style="dim")
    for number, head in enumerate(heads, 1):
        made.add_column(head, no_wrap=number < len(heads), overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def show(*parts: Any) -> None:
    """Print each of `parts`; columns lose the blanks behind their last word in a pipe."""
    out = console()
    for part in parts:
        if out.is_terminal:
            out.print(part)
            continue
        with out.capture() as captured:
            out.print(part)
        terminal.show("\n".join(line.rstrip() for line in captured.get().splitlines()))
