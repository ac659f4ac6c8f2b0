"""Figures as files for papers: PDF with text as text, PNG of 300 dots an inch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tunebook.comparison.plots.figure import PAPER, Figure, drawn
from tunebook.comparison.plots.figures import figures_of
from tunebook.comparison.table import Table

FORMATS = ("pdf", "png")
DOTS_PER_INCH = 300
OPTIONS = {"pdf.fonttype": 42}  # fonts that publishers accept, and whose text can be searched


def write_plots(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write every figure of every table as PDF and PNG; returns the files.

    Raises OSError where one cannot be written.
    """
    names = _names(tables)
    return [
        file for table, name in zip(tables, names, strict=True)
        for figure in figures_of(table) for file in _write(figure, folder / f"{name}-{figure.name}")
    ]  # fmt: skip


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
    with drawn(figure, PAPER, OPTIONS) as drawing:
        for kind in FORMATS:
            file = start.with_name(f"{start.name}.{kind}")
            about = {"CreationDate": None} if kind == "pdf" else {}
            drawing.savefig(file, dpi=DOTS_PER_INCH, metadata={"Title": figure.title, **about})
            written.append(file)
    return written
