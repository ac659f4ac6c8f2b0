"""The page itself: a template, our style sheet and script, and nothing from elsewhere.

The page holds text of models and data sets, which nobody has vetted. Jinja2 escapes what stands in
tables; test examples are JSON in a data block, in which `<` is written as an escape, and reach the
page as text nodes. A Content-Security-Policy runs our script alone, known by its hash, and lets
nothing be fetched or sent.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunebook.comparison.columns import Column, column_of, heading_of, is_best, usual
from tunebook.comparison.loading import Skipped
from tunebook.comparison.page.browser import MOST_BYTES, examples_of
from tunebook.comparison.plots import Figure, figures_of, inline_svg
from tunebook.comparison.rendering import title_of
from tunebook.comparison.run import as_seen
from tunebook.comparison.table import Row, Table
from tunebook.runs.files import write_text

HERE = Path(__file__).parent
UNSAFE_IN_A_BLOCK = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
REASON = "verdict"
"""The column in which a row without a score says why it has none."""
LONGEST_REASON = 300


def write_page(tables: Sequence[Table], path: Path, skipped: Sequence[Skipped] = ()) -> None:
    """Write the page to `path`, whole or not at all.

    Args:
        tables: as `comparison.tables` gives them, in the order in which they are to be shown.
        skipped: folders that were left out, which the page names.

    Raises:
        OSError: the file cannot be written.
    """
    write_text(path, page_text(tables, path.parent, skipped))


def page_text(tables: Sequence[Table], folder: Path, skipped: Sequence[Skipped] = ()) -> str:
    """The page as it stands in `folder`, to which it names run folders."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    share = MOST_BYTES // max(1, len(tables))
    examples = {f"table-{i}": examples_of(table, share) for i, table in enumerate(tables, 1)}
    told = [replace(one, path=Path(as_seen(one.path, folder))) for one in skipped]
    script = (HERE / "page.js").read_text(encoding="utf-8")
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    text = environment.get_template("page.html.jinja").render(
        parts=[Part(f"table-{i}", table, folder) for i, table in enumerate(tables, 1)],
        skipped=[str(one) for one in told],
        runs=sum(len(row.runs) for table in tables for row in table.rows),
        made=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        browsed={name for name, found in examples.items() if found},
        examples=_block(examples),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=_hash(script),
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no text


@dataclass(frozen=True)
class Cell:
    """What a cell shows, its values in full, and what it is sorted by (empty where unknown)."""

    text: str
    exact: str
    key: str
    is_text: bool


@dataclass(frozen=True)
class Part:
    """What the template asks for of one table; `name` is its id in the page."""

    name: str
    table: Table
    folder: Path

    @property
    def title(self) -> str:
        """What the table is about."""
        return title_of(self.table)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [name for group in usual(self.table) for name in group]

    def heading(self, name: str) -> str:
        """The text above a column."""
        return heading_of(name, self.table)

    def column(self, name: str) -> Column:
        """A column by its name."""
        return column_of(name)

    def first(self, name: str) -> str:
        """The order that the first click on a heading gives."""
        high = column_of(name).high_first(higher_is_better=self.table.higher_is_better)
        return "descending" if high else "ascending"

    def classes(self, row: Row) -> str:
        """How a row is set."""
        return f"{row.state}{' best' if is_best(row) else ''}"

    def cells(self, row: Row) -> list[Cell]:
        """One a column."""
        return [_cell(row, name) for name in self.columns]

    def folders(self, row: Row) -> list[str]:
        """Where each run of a row lies."""
        seen = ((run, as_seen(run.path, self.folder)) for run in row.runs)
        return [f"{row.name}, seed {run.seed}: {path}" for run, path in seen]

    def figures(self) -> list[tuple[Figure, str]]:
        """Each figure with its markup, which is our own."""
        found = figures_of(self.table)
        return [(one, inline_svg(one, f"{self.name}-{one.name}")) for one in found]


def _cell(row: Row, name: str) -> Cell:
    column, values = column_of(name), column_of(name).values(row)
    if name == REASON and not row.complete:
        reason = row.reason
        cut = len(reason) > LONGEST_REASON
        shown = f"{reason[: LONGEST_REASON - 1]}…" if cut else reason
        return Cell(shown, _exact({"reason": reason}), "", is_text=True)
    key = next(iter(values.values()))
    return Cell(column.text(row), _exact(values), _text(key), column.is_text)


def _exact(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items() if _text(value))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _block(content: Any) -> str:
    """JSON that no character can lead out of a <script> block."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE_IN_A_BLOCK)


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
