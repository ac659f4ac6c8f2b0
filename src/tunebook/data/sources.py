"""Where the rows of each split come from: files, a hub data set, the settings, or the village."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tunebook.data.batches import Batch, chunks
from tunebook.data.faults import Faults, Notes
from tunebook.errors import Problem, RequestError
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

SPLITS = ("train", "validation", "test")
MOST_MADE = 1_000_000
"""Rows of one split of the village."""


@dataclass
class Part:
    """One file or table of a split: its batches and, row-aligned, its references."""

    name: str
    batches: Iterator[Batch]
    references: Iterator[list[str]] | None = None
    references_name: str = ""


@dataclass
class Source(ABC):
    """Where the rows of one split are read from.

    `key` names the setting that gave it, `content` is a hash of what will be read.
    """

    key: str
    split: str
    content: str

    @property
    def has_references(self) -> bool:
        """Whether rows come with references beside them."""
        return False

    @abstractmethod
    def parts(self, faults: Faults) -> Iterator[Part]:
        """The parts in order; what cannot be read goes into `faults`."""


@dataclass
class RowSource(Source):
    """Rows that are in memory already."""

    rows: list[dict[str, Any]] = field(default_factory=list, repr=False)

    def parts(self, faults: Faults) -> Iterator[Part]:
        """All rows as one part."""
        yield Part(self.key, chunks(self.rows, self.key))


def open_sources(settings: DataSettings, task: Task, notes: Notes) -> dict[str, Source]:
    """A source for each split that is there; at least train. Raises RequestError."""
    if settings.source == "files":
        from tunebook.data.files import open_files

        return open_files(settings, notes)
    if settings.source == "hub":
        from tunebook.data.hub import open_hub

        return open_hub(settings, notes)
    return _written(settings) if settings.source == "rows" else _village(settings, task)


def _written(settings: DataSettings) -> dict[str, Source]:
    """The rows that stand in the settings themselves."""
    return {
        split: RowSource(f"data.rows.{split}", split, _hash_of(rows), rows)
        for split in SPLITS
        if (rows := settings.rows.get(split))
    }


def _village(settings: DataSettings, task: Task) -> dict[str, Source]:
    """As many rows of the village as data.limit asks for."""
    from tunebook.data import village

    counts = {
        split: getattr(settings.limit, split) or village.DEFAULT_ROWS[split] for split in SPLITS
    }
    problems = [
        Problem(f"data.limit.{split}", f"asks for {count:,} rows, and the village makes at most "
                f"{MOST_MADE:,}", "Ask for fewer.")
        for split, count in counts.items()
        if count > MOST_MADE
    ]  # fmt: skip
    if problems:
        raise RequestError(problems)
    sources: dict[str, Source] = {}
    for split, count in counts.items():
        rows = village.rows(task.settings.kind, split, count, settings.seed)
        content = _hash_of([str(village.VERSION), rows])
        sources[split] = RowSource(f"village {split}", split, content, rows)
    return sources


def _hash_of(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
