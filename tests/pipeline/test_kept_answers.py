"""Kept answers of the untouched model are taken where their file is whole, else made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunebook.pipeline.scoring import Answers, _kept


@pytest.mark.parametrize("perplexity", [None, 2.5])
def test_whole_answers_are_taken(tmp_path: Path, perplexity: float | None) -> None:
    file = tmp_path / "kept.json"
    file.write_text(json.dumps({"texts": ["a", "b"], "perplexity": perplexity}))
    assert _kept(file, 2) == Answers(["a", "b"], perplexity)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"texts": ["a"]}', '{"texts": ["a", 1]}', '{"texts": "ab"}',
     '{"texts": ["a", "b"], "perplexity": "2"}'],
)  # fmt: skip
def test_damaged_answers_are_not(tmp_path: Path, text: str) -> None:
    file = tmp_path / "kept.json"
    assert _kept(file, 2) is None
    file.write_text(text)
    assert _kept(file, 2) is None
