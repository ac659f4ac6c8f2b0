"""How many examples there are, how long they are, and how many are cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tunebook.text import EncodedRows

if TYPE_CHECKING:
    from tunebook.data import Examples
    from tunebook.pipeline.steps import EncodedSplits

HEADS = ("split", "rows", "source tokens", "target tokens", "cut", "left out")


def splits_text(examples: Examples, splits: EncodedSplits, *, trains: bool) -> str:
    """A line a split: rows, tokens (median, longest), rows that are cut, rows that do not fit."""
    names = ("train", "validation", "test") if trains else ("test",)
    rows = [HEADS, *(_row(name, getattr(splits, name), len(getattr(examples, name)))
                     for name in names)]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def _row(name: str, encoded: Any, there: int) -> tuple[str, ...]:
    if not isinstance(encoded, EncodedRows):
        return (name, f"{len(encoded):,}", "(encoded as they are drawn)", "", "", "")
    share = f"{encoded.cut:,} ({encoded.cut / max(there, 1):.0%})"
    return (name, f"{len(encoded):,}", _lengths(source_lengths(encoded)),
            _lengths(target_lengths(encoded)), share, f"{encoded.unfit:,}")  # fmt: skip


def source_lengths(rows: EncodedRows) -> list[int]:
    """Tokens of each source."""
    return [rows.sources.length(i) for i in range(len(rows))]


def target_lengths(rows: EncodedRows) -> list[int]:
    """Tokens of each target."""
    return [rows.targets.length(i) for i in range(len(rows))]


def _lengths(lengths: list[int]) -> str:
    return f"{np.median(lengths):.0f}, longest {max(lengths)}" if lengths else "none"
