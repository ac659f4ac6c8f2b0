"""A run inside a sweep leaves the same bits as the same run alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunebook
from recipes import compose
from tests.correctness.conftest import FAMILIES, words_for
from tests.correctness.test_same_bits import result_of
from tunebook.models import base as loading
from tunebook.models import keeping

# Each behind one that would show: trained weights, a wrapper, replaced layers, all of them.
ORDER = ("full", "prompt", "lora", "zero_shot", "prefix", "lora", "full", "prompt", "zero_shot")
LOADED = 3  # at the start, and behind each `full` that is followed by another


def run(method: str, family: str, outputs: Path) -> dict[str, Any]:
    """What the run leaves; folders of their own let each score the base itself."""
    words = words_for(method, family) if method != "zero_shot" else baseline(family)
    settings = compose(*words, f"outputs={outputs}")
    folder = tunebook.run(settings, lambda _: None).folder
    (folder / "history.jsonl").touch()  # a baseline has none
    return result_of(folder)


def baseline(family: str) -> list[str]:
    """The words of an untrained run on the same examples."""
    kept = ("task", "data", "model", "decoding")
    words = [word for word in words_for("lora", family) if word.startswith(kept)]
    return [*words, "method=zero_shot"]


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_of_a_sweep_equals_the_run_alone(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = {method: run(method, family, tmp_path / f"alone-{method}") for method in set(ORDER)}
    loaded = []
    original = loading.load
    monkeypatch.setattr(loading, "load", lambda *a: loaded.append(a) or original(*a))
    with keeping.one_base():
        for place, method in enumerate(ORDER):
            assert run(method, family, tmp_path / str(place)) == alone[method], (place, method)
    assert len(loaded) == LOADED
    assert alone["lora"]["weights"] != alone["prompt"]["weights"]
