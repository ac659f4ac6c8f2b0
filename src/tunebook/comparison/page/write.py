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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunebook.comparison.folders import as_seen
from tunebook.comparison.loading import Skipped
from tunebook.comparison.page.content import Part, parts_of
from tunebook.comparison.page.examples import MOST_BYTES, examples_of
from tunebook.comparison.table import Table
from tunebook.runs.files import write_text

HERE = Path(__file__).parent
UNSAFE_IN_A_BLOCK = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


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
    parts = parts_of(tables, folder)
    share = MOST_BYTES // max(1, len(tables))
    examples = {part.name: examples_of(part.table, share) for part in parts}
    told = [replace(one, path=Path(as_seen(one.path, folder))) for one in skipped]
    return _filled(parts, examples, told)


def _filled(parts: Sequence[Part], examples: dict[str, Any], skipped: Sequence[Skipped]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True,
                              lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
    script = (HERE / "page.js").read_text(encoding="utf-8")
    text = environment.get_template("page.html.jinja").render(
        parts=parts,
        skipped=[str(one) for one in skipped],
        runs=sum(len(row.runs) for part in parts for row in part.table.rows),
        made=datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
        browsed={name for name, found in examples.items() if found},
        examples=_block(examples),
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        script_hash=_hash(script),
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # half of a surrogate pair is no text


def _block(content: Any) -> str:
    """JSON that no character can lead out of a <script> block."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.translate(UNSAFE_IN_A_BLOCK)


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
