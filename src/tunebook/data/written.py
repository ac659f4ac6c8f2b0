"""Rows that stand in the settings themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.data.batches import RowBatch
from tunebook.data.faults import Faults
from tunebook.data.source import Part, Source
from tunebook.errors import Problem
from tunebook.schema import DataSettings

SPLITS = ("train", "validation", "test")


@dataclass
class WrittenSource(Source):
    """The rows of one split."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def parts(self, faults: Faults) -> Iterator[Part]:
        """All rows as one part."""
        name = f"data.rows.{self.split}"
        yield Part(name, iter([RowBatch(self.rows, name, None, 1)]))


def open_rows(settings: DataSettings) -> dict[str, Source]:
    """The source of each split that has rows."""
    return {
        split: WrittenSource(f"data.rows.{split}", split, _content(rows), rows)
        for split in SPLITS
        if (rows := settings.rows.get(split))
    }


def _content(rows: list[dict[str, Any]]) -> str:
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def check_rows(settings: DataSettings) -> Iterator[Problem]:
    """What is wrong with the rows, before any is read."""
    if not settings.rows.get("train"):
        remedy = "Write a list: rows: {train: [{source: ..., target: ...}]}."
        yield Problem("data.rows.train", "is missing", remedy)
    for split, rows in settings.rows.items():
        if split not in SPLITS:
            yield Problem(f"data.rows.{split}", "no such split", f"Use {', '.join(SPLITS)}.")
        elif not isinstance(rows, list):
            yield Problem(f"data.rows.{split}", "is no list of rows", "Begin each with a dash.")
        else:
            yield from _no_mappings(split, rows)


def _no_mappings(split: str, rows: list[Any]) -> Iterator[Problem]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            what = f"row {number} has no fields: {row!r}"
            yield Problem(f"data.rows.{split}", what, "Write {source: ..., target: ...}.")
