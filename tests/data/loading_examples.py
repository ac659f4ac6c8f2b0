"""Small real files, and loading them as a run does."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tunebook.data import Examples, load
from tunebook.errors import Problem, RequestError
from tunebook.schema import DataSettings, LimitSettings
from tunebook.tasks import Task, options_of, task_of

PAIRS = [{"source": f"The cat number {i}.", "target": f"Le chat numéro {i}."} for i in range(40)]


def task_named(kind: str) -> Task:
    options = options_of(kind)(name=kind, kind=kind, instruction="Do it.", headline="any")
    return task_of(options)


def write_lines(path: str, rows: Iterable[Any]) -> str:
    """Rows as JSONL; texts stand as they are."""
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


@dataclass
class Loaded:
    """Examples, and what was said while they were loaded."""

    examples: Examples
    said: list[str]

    def rows(self, split: str = "train") -> list[dict[str, Any]]:
        return getattr(self.examples, split).to_list()

    def heard(self, *words: str) -> bool:
        return any(all(word in line for word in words) for line in self.said)


def loaded(kind: str, **settings: Any) -> Loaded:
    """Load data for a task; `limit` is a dictionary, `source` defaults to files."""
    said: list[str] = []
    settings = {"name": "files", "source": "files", **settings}
    settings["limit"] = LimitSettings(**settings.get("limit", {}))
    return Loaded(load(DataSettings(**settings), task_named(kind), said.append), said)


def refused(kind: str, **settings: Any) -> list[Problem]:
    """The problems with which loading is refused."""
    with pytest.raises(RequestError) as caught:
        loaded(kind, **settings)
    return caught.value.problems
