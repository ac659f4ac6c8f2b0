"""What whole commands share: the words of a small run, and how often a base is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunebook.models import base as loading


@pytest.fixture
def small_run(
    tmp_path: Path, t5_folder: Path, task_files: Callable[[str], list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> list[str]:  # fmt: skip
    """Data and model of a small run, in a folder of its own; lines are wide enough for a table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return [*task_files("summarize"), f"model.path={t5_folder}"]


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for each time that a base is loaded."""
    found: list[Any] = []
    original = loading.load
    monkeypatch.setattr(loading, "load", lambda *a: found.append(a) or original(*a))
    return found
