"""Tables as text: for the terminal, Markdown, CSV, JSON, LaTeX."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

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
)
from tunebook.comparison.table import Row, Table
from tunebook.comparison.terminal import terminal_text
from tunebook.counting import counted

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ("rich", "markdown", "csv", "json", "latex")
MARKDOWN_SIGN = re.compile(r"[\\|*`]|<(?=[A-Za-z/!?])|\[(?!\d)|\](?=[(\[])|\b_|_\b")


def render(
    tables: Sequence[Table], format: str = "rich", columns: Sequence[str] = (), *,
    width: int | None = None, color: bool = False,
) -> str:  # fmt: skip
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
        return terminal_text(tables, columns, width=width, color=color)
    if format == "csv":
        return _csv(tables, columns)
    if format == "json":
        return json.dumps([_plain(table, columns) for table in tables], indent=2,
                          ensure_ascii=False, allow_nan=False) + "\n"  # fmt: skip
    one = _markdown if format == "markdown" else _latex
    return "\n".join(one(table, columns) for table in tables)


def frame(table: Table, columns: Sequence[str] = ()) -> pd.DataFrame:
    """A table's plain values, a line a row."""
    import pandas as pd

    values = [_values(row, table, columns) for row in table.rows]
    return pd.DataFrame(values, dtype=object)  # counts stay whole beside rows without one


def _values(row: Row, table: Table, columns: Sequence[str]) -> dict[str, Any]:
    grouped = [table.group_by] if table.group_by else []
    every = [*WHAT, *grouped, *RESULT, "validation", *COST, *ABOUT]
    names = telling_apart(columns, table) if columns else every
    found: dict[str, Any] = {}
    for name in names:
        found.update(column_of(name).values(row))
    return found


def _csv(tables: Sequence[Table], columns: Sequence[str]) -> str:
    import pandas as pd

    frames = []
    for number, table in enumerate(tables, start=1):
        part = frame(table, columns)
        for name, value in reversed(
            {"table": number, "task": table.task, "data": table.data, "metric": table.headline,
             "examples": table.examples, "apart": _because(table.apart)}.items()
        ):  # fmt: skip
            part.insert(0, name, value, allow_duplicates=True)
        frames.append(part)
    return "" if not frames else str(pd.concat(frames).to_csv(index=False, lineterminator="\n"))


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
        "rows": [_values(row, table, columns) for row in table.rows],
    }


def title_of(table: Table) -> str:
    """What a table is about, in one line."""
    model = table.models if len(table.models) == 1 else []
    parts = [table.task, table.data, *model]
    parts += [counted(table.examples, "test example")] if table.examples else []
    return " · ".join(parts)


def _because(differing: Mapping[str, str]) -> str:
    return ", ".join(f"{key} {value}" for key, value in differing.items())


def _remarks(table: Table) -> list[str]:
    """What stands below a table in a file."""
    apart = [f"A table of its own, because of: {_because(table.apart)}."] if table.apart else []
    failed = [f"{row.name} (seed {_listed(row.seeds)}) {row.state}: {row.reason}"
              for row in table.rows if not row.complete]  # fmt: skip
    return [*apart, *failed, *table.notes]


def _listed(seeds: Sequence[Any]) -> str:
    return ", ".join("unknown" if seed is None else str(seed) for seed in seeds)


def _names(table: Table, columns: Sequence[str]) -> list[str]:
    every = [name for part in usual(table) for name in part]
    return telling_apart(columns, table) if columns else every


def _cells(table: Table, columns: Sequence[str], *, arrows: bool) -> pd.DataFrame:
    import pandas as pd

    names = _names(table, columns)
    headings = [heading_of(name, table, arrows=arrows) for name in names]
    rows = [[column_of(name).text(row) for name in names] for row in table.rows]
    return pd.DataFrame(rows, columns=headings)


def _markdown(table: Table, columns: Sequence[str]) -> str:
    cells = _cells(table, columns, arrows=True)
    cells.columns = [_in_markdown(name) for name in cells.columns]
    for i, row in enumerate(table.rows):
        safe = [_in_markdown(str(text)) for text in cells.iloc[i]]
        cells.iloc[i] = [f"**{text}**" if text else "" for text in safe] if is_best(row) else safe
    names = _names(table, columns)
    sides = ["left" if column_of(name).is_text else "right" for name in names]
    text = cells.to_markdown(index=False, colalign=sides, disable_numparse=True)
    remarks = "".join(f"- {_in_markdown(line)}\n" for line in _remarks(table))
    return f"### {_in_markdown(title_of(table))}\n\n{text}\n" + (f"\n{remarks}" if remarks else "")


def _in_markdown(text: str) -> str:
    """With whatever Markdown would read as its own set off by a backslash."""
    return MARKDOWN_SIGN.sub(r"\\\g<0>", " ".join(text.split()))


def _latex(table: Table, columns: Sequence[str]) -> str:
    cells = _cells(table, columns, arrows=False)
    names = _names(table, columns)
    best = [i for i, row in enumerate(table.rows) if is_best(row)]
    style = cells.style.hide(axis="index").format(escape="latex")
    style = style.format_index(escape="latex", axis="columns")
    if best:
        style = style.map(lambda _: "textbf:--rwrap;", subset=(best, slice(None)))
    sides = "".join("l" if column_of(name).is_text else "r" for name in names)
    text = style.to_latex(hrules=True, column_format=sides)
    remarks = "".join(f"% {' '.join(line.split())}\n" for line in _remarks(table))
    return f"% {' '.join(title_of(table).split())}\n{remarks}{text}"
