"""Each test gets a datasets cache and a current folder of its own."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from loading_examples import PAIRS, write_lines


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def train() -> str:
    return write_lines("train.jsonl", PAIRS)


@pytest.fixture
def three(train: str) -> dict[str, str]:
    """Three files of pairs that share nothing."""
    more = [{"source": f"A dog, {i}.", "target": f"Un chien, {i}."} for i in range(20)]
    validation = write_lines("validation.jsonl", more[:10])
    return {"train": train, "validation": validation, "test": write_lines("test.jsonl", more[10:])}
