"""The embedded village as a source of rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tunebook.data.batches import ROWS, RowBatch
from tunebook.data.checks import SPLITS
from tunebook.data.faults import Faults
from tunebook.data.source import Part, Source
from tunebook.errors import Problem, RequestError
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

MOST_ROWS = 1_000_000


@dataclass
class VillageSource(Source):
    """Rows made by tunebook.data.village."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def parts(self, faults: Faults) -> Iterator[Part]:
        """All rows as one part."""
        chunks = range(0, len(self.rows), ROWS)
        name = f"village {self.split}"
        yield Part(name, (RowBatch(self.rows[i : i + ROWS], name, None, i + 1) for i in chunks))


def open_village(settings: DataSettings, task: Task) -> dict[str, Source]:
    """The three splits of the village for `task`: as many rows as data.limit asks for."""
    from tunebook.data import village

    if problems := [*_too_many(settings)]:
        raise RequestError(problems)
    sources: dict[str, Source] = {}
    for split in SPLITS:
        count = getattr(settings.limit, split) or village.DEFAULT_ROWS[split]
        rows = village.rows(task.settings.kind, split, count, settings.seed)
        sources[split] = VillageSource(f"village {split}", split, _content(rows), rows)
    return sources


def _too_many(settings: DataSettings) -> Iterator[Problem]:
    for split in SPLITS:
        if (count := getattr(settings.limit, split) or 0) > MOST_ROWS:
            what = f"asks for {count:,} rows, and the village makes at most {MOST_ROWS:,}"
            yield Problem(f"data.limit.{split}", what, "Ask for fewer.")


def _content(rows: list[dict[str, Any]]) -> str:
    from tunebook.data import village

    text = json.dumps([str(village.VERSION), rows], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
