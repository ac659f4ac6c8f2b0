"""Training on rows that are encoded as they are drawn: the same bits every time."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunebook
from recipes import compose
from tests.correctness.conftest import words_for
from tests.correctness.test_same_bits import interrupt_at, result_of, run
from tunebook.text import rows


@pytest.mark.slow
@pytest.mark.parametrize("family", ["tiny_t5", "tiny_llama"])
def test_interrupted_equals_uninterrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, family: str
) -> None:
    monkeypatch.setattr(rows, "ENCODED_AT_ONCE", 50)
    words = words_for("prompt", family)
    once = result_of(run(words, tmp_path / "once"))
    with monkeypatch.context() as patch:
        interrupt_at(6, patch)
        with pytest.raises(KeyboardInterrupt):
            run(words, tmp_path / "again")
    said: list[str] = []
    folder = tunebook.run(compose(*words, f"outputs={tmp_path / 'again'}"), said.append).folder
    assert "resuming from step 4 of 12" in said
    assert any("encoded when it is drawn" in line for line in said)
    assert result_of(folder) == once


def test_worker_processes_encode_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "ENCODED_AT_ONCE", 50)
    words = words_for("prompt", "tiny_t5")
    alone, workers = (
        result_of(run([*words, f"training.arguments.dataloader_num_workers={n}"], tmp_path))
        for n in (0, 2)
    )
    assert workers["weights"] == alone["weights"]
