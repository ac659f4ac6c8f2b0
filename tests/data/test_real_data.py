"""Real data sets, where they lie beside the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from loading_examples import Loaded, loaded

SHARED = Path(__file__).parents[3] / "shared" / "data"
STEMS = {
    "translate": "translation/tatoeba_en_fr",
    "summarize": "summarisation/scitldr_a",
    "qa": "qa/squad_v11_dev_by_article",
    "dialogue": "dialogue/sgd",
}
ROWS = {
    "translate": [5000, 500, 500],
    "summarize": [1989, 499, 318],
    "qa": [5000, 500, 500],
    "dialogue": [5000, 500, 500],
}

pytestmark = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the real data is not beside the project"
)


def load_real(kind: str) -> Loaded:
    stem = SHARED / STEMS[kind]
    files = {split: f"{stem}.{split}.jsonl" for split in ("train", "validation", "test")}
    return loaded(kind, **files)


@pytest.mark.parametrize("kind", STEMS)
def test_every_row_of_the_real_data_is_usable(kind: str) -> None:
    found = load_real(kind)
    sizes = [len(getattr(found.examples, s)) for s in ("train", "validation", "test")]
    assert sizes == ROWS[kind]
    assert not found.heard("skipped")


def test_scitldr_comes_with_all_its_references() -> None:
    found = load_real("summarize")
    references = [row["references"] for row in found.rows("test")]
    assert all(row["summary"] in row["references"] for row in found.rows("test"))
    assert max(map(len, references)) > 1
    assert "references" not in found.examples.train.column_names


def test_dialogues_end_with_the_user() -> None:
    row = load_real("dialogue").rows("test")[0]
    assert row["history"][-1] == "No, that's all for now."
    assert row["response"] == "Have a great day."
