"""Tables as text: for the terminal, Markdown, CSV, JSON, LaTeX."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

from tunebook.comparison.columns import (
    ABOUT,
    COST,
    RESULT,
    WHAT,
    column_of,
    heading_of,
    is_best,
    telling_apart,
    usual,
    values_of,
)
from tunebook.comparison.table import Row, Table
from tunebook.counting import counted

FORMATS = ("rich", "markdown", "csv", "json", "latex")
MARKDOWN_SIGN = re.compile(r"[\\|*`]|<(?=[A-Za-z/!?])|\[(?!\d)|\](?=[(\[])|\b_|_\b")


def render(
    tables: Sequence[Table],
    format: str = "rich",
    columns: Sequence[str] = (),
    *,
    width: int | None = None,
    color: bool = False,
) -> str:
    """`tables` as text.

    Args:
        format: one of FORMATS. CSV and JSON hold plain numbers (bytes, seconds, scores from 0 to
            100), the others what is pleasant to read.
        columns: names of columns, or keys of settings; none for the usual ones.
        width: of the terminal, in characters; None for the one at hand.
        color: whether "rich" may use colour and bold.

    Raises:
        ValueError: there is no such format.
    """
    if format not in FORMATS:
        raise ValueError(f"format {format!r} is none of {', '.join(FORMATS)}")
    if format == "rich":
        from tunebook.comparison.console import terminal_text

        return terminal_text(tables, columns, width=width, color=color)
    if format == "csv":
        return _csv(tables, columns)
    if format == "json":
        plain = [_plain(table, columns) for table in tables]
        return json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    one = _markdown if format == "markdown" else _latex
    return "\n".join(one(table, columns) for table in tables)


def _values(table: Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    """The plain values of each row."""
    grouped = [table.group_by] if table.group_by else []
    every = [*WHAT, *grouped, *RESULT, "validation", *COST, *ABOUT]
    names = telling_apart(columns, table) if columns else every
    return [values_of(row, names) for row in table.rows]


def _csv(tables: Sequence[Table], columns: Sequence[str]) -> str:
    rows = []
    for number, table in enumerate(tables, start=1):
        about = {
            "table": number,
            "task": table.task,
            "data": table.data,
            "metric": table.headline,
            "examples": table.examples,
            "apart": because(table),
        }
        rows += [about | values for values in _values(table, columns)]
    written = io.StringIO()
    heads = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(written, list(heads), lineterminator="\n")
    if rows:
        writer.writeheader()
    writer.writerows(rows)
    return written.getvalue()


def _plain(table: Table, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "task": table.task,
        "data": table.data,
        "metric": table.headline,
        "higher_is_better": table.higher_is_better,
        "examples": table.examples,
        "group_by": table.group_by,
        "conditions": dict(table.conditions),
        "apart": dict(table.apart),
        "notes": table.notes,
        "rows": _values(table, columns),
    }


def title_of(table: Table) -> str:
    """What a table is about, in one line."""
    model = table.models if len(table.models) == 1 else []
    parts = [table.task, table.data, *model]
    parts += [counted(table.examples, "test example")] if table.examples else []
    return " · ".join(parts)


def because(table: Table) -> str:
    """What keeps the table apart from the others of its task; empty for the only one."""
    return ", ".join(f"{key} {value}" for key, value in table.apart.items())


def seeds_of(row: Row) -> str:
    """The seeds of a row in one line."""
    return ", ".join("unknown" if seed is None else str(seed) for seed in row.seeds)


def _remarks(table: Table) -> list[str]:
    """What stands below a table in a file."""
    apart = [f"A table of its own, because of: {because(table)}."] if table.apart else []
    broken = [row for row in table.rows if not row.complete]
    failed = [f"{row.name} (seed {seeds_of(row)}) {row.state}: {row.reason}" for row in broken]
    return [*apart, *failed, *table.notes]


def _names(table: Table, columns: Sequence[str]) -> list[str]:
    every = [name for part in usual(table) for name in part]
    return telling_apart(columns, table) if columns else every


def _markdown(table: Table, columns: Sequence[str]) -> str:
    from tabulate import tabulate

    names = _names(table, columns)
    headings = [_in_markdown(heading_of(name, table)) for name in names]
    rows = [_markdown_row(row, names) for row in table.rows]
    sides = ["left" if column_of(name).is_text else "right" for name in names]
    text = tabulate(rows, headings, "pipe", colalign=sides, disable_numparse=True)
    remarks = "".join(f"- {_in_markdown(line)}\n" for line in _remarks(table))
    return f"### {_in_markdown(title_of(table))}\n\n{text}\n" + (f"\n{remarks}" if remarks else "")


def _markdown_row(row: Row, names: Sequence[str]) -> list[str]:
    safe = [_in_markdown(column_of(name).text(row)) for name in names]
    return [f"**{text}**" if text else "" for text in safe] if is_best(row) else safe


def _in_markdown(text: str) -> str:
    """With whatever Markdown would read as its own set off by a backslash."""
    return MARKDOWN_SIGN.sub(r"\\\g<0>", " ".join(text.split()))


def _latex(table: Table, columns: Sequence[str]) -> str:
    import pandas as pd

    names = _names(table, columns)
    rows = [[column_of(name).text(row) for name in names] for row in table.rows]
    headings = [heading_of(name, table, arrows=False) for name in names]
    cells = pd.DataFrame(rows, columns=headings)
    style = cells.style.hide(axis="index").format(escape="latex")
    style = style.format_index(escape="latex", axis="columns")
    if best := [i for i, row in enumerate(table.rows) if is_best(row)]:
        style = style.map(lambda _: "textbf:--rwrap;", subset=(best, slice(None)))
    sides = "".join("l" if column_of(name).is_text else "r" for name in names)
    text = style.to_latex(hrules=True, column_format=sides)
    remarks = "".join(f"% {' '.join(line.split())}\n" for line in _remarks(table))
    return f"% {' '.join(title_of(table).split())}\n{remarks}{text}"
