"""Splits as ids: small ones at once, large ones row by row as they are drawn."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from recipes import compose
from tunebook.engine import load
from tunebook.errors import RequestError
from tunebook.settings import resolve
from tunebook.text import EncodedRows, Encoder, encode_rows, rows, rows_to_train_on

LARGE = rows.ENCODED_AT_ONCE + 1000
TOO_LONG = "x" * 1000


@pytest.fixture(scope="module")
def encoder(llama_folder: Path) -> Encoder:
    """Of a model with 256 positions, 32 of which are kept for the answer."""
    words = ("task=translate", "data=files", "data.train=any.jsonl", "method=lora")
    model = (f"model.path={llama_folder}", "decoding.max_new_tokens=32")
    resolved = resolve(compose(*words, *model))
    base = load(resolved.settings.model, resolved.facts, lambda _: None)
    return Encoder(resolved.settings, base)


def split_of(count: int, **wrong: Sequence[int]) -> Dataset:
    """Rows whose number is in their text; `target` and `source` list those that are too long."""
    columns: dict[str, list[str]] = {"id": [str(i) for i in range(count)]}
    for name in ("source", "target"):
        long = set(wrong.get(name, ()))
        texts = [f"{name} {i} " * (1 + i % 3) for i in range(count)]
        columns[name] = [TOO_LONG if i in long else text for i, text in enumerate(texts)]
    return Dataset.from_dict(columns)


@pytest.fixture
def large_from_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "ENCODED_AT_ONCE", 10)


def encoded_so_far(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of rows with each call of the encoder."""
    counts: list[int] = []
    original = encoder.targets

    def counted(texts: Sequence[str]) -> list[list[int]]:
        counts.append(len(texts))
        return original(texts)

    monkeypatch.setattr(encoder, "targets", counted)
    return counts


def test_a_large_split_is_encoded_as_it_is_drawn(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts, said = encoded_so_far(encoder, monkeypatch), list[str]()
    large = rows_to_train_on(encoder, split_of(LARGE), 0.1, said.append)
    assert len(large) == len(large.lengths()) == LARGE
    assert sum(counts) == 1000
    assert large[LARGE - 1]["source"]
    assert sum(counts) == 1001
    assert said == [
        "train: more than 20000 rows, so each is encoded when it is drawn; what is cut or does "
        "not fit is counted on 1000 of its 21000 rows"
    ]


@pytest.mark.usefixtures("large_from_ten")
def test_drawn_rows_have_the_ids_that_encoding_at_once_gives(encoder: Encoder) -> None:
    split = split_of(40, source=[7])
    at_once = encode_rows(encoder, split, "train", 0.1, lambda _: None)
    drawn: Any = rows_to_train_on(encoder, split, 0.1, lambda _: None)
    assert not isinstance(drawn, EncodedRows)
    assert [ids_of(drawn[i]) for i in range(40)] == [ids_of(at_once[i]) for i in range(40)]
    order = [31, 7, 0]
    assert [ids_of(row) for row in drawn.__getitems__(order)] == [ids_of(at_once[i]) for i in order]


def ids_of(row: dict[str, Any]) -> tuple[list[int], list[int]]:
    return list(row["source"]), list(row["target"])


@pytest.mark.parametrize("count", [10, 11])
@pytest.mark.usefixtures("large_from_ten")
def test_a_small_split_is_encoded_at_once(encoder: Encoder, count: int) -> None:
    said: list[str] = []
    made = rows_to_train_on(encoder, split_of(count), 0.1, said.append)
    assert isinstance(made, EncodedRows) == (count == 10) == (said == [])


@pytest.mark.usefixtures("large_from_ten")
def test_a_row_that_does_not_fit_gives_way_to_the_next_that_does(encoder: Encoder) -> None:
    split, said = split_of(40, target=[5, 6, 39]), list[str]()
    drawn: Any = rows_to_train_on(encoder, split, 0.1, said.append)
    assert drawn.__getitems__([5, 6, 7, 39]) == [drawn[7], drawn[7], drawn[7], drawn[0]]
    assert said[-1] == (
        "train: the answers of 3 of 40 rows do not fit into the model's 256 tokens with a source; "
        "the longest has 1,001 tokens; skipped"
    )


@pytest.mark.usefixtures("large_from_ten")
def test_what_is_cut_is_counted_on_the_rows_looked_at(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "LOOKED_AT", 20)
    said: list[str] = []
    rows_to_train_on(encoder, split_of(1000, source=range(0, 1000)), 0.1, said.append)
    assert "counted on 20 of its 1000 rows" in said[0]
    assert said[1:] == ["train: 20 of 20 rows cut in their source to 224 tokens of source"]


@pytest.mark.parametrize("count", [10, 40])
@pytest.mark.parametrize(("share", "unfit"), [(0.1, range(5)), (1.0, range(40))])
@pytest.mark.usefixtures("large_from_ten")
def test_too_many_rows_that_do_not_fit_are_refused(
    encoder: Encoder, count: int, share: float, unfit: range
) -> None:
    with pytest.raises(RequestError) as caught:
        rows_to_train_on(encoder, split_of(count, target=unfit), share, lambda _: None)
    (problem,) = caught.value.problems
    assert problem.where == "data.train"
    assert f"of {count} rows do not fit into the model's 256 tokens" in problem.what
    assert "max_source_tokens" not in problem.remedy


def test_memory_does_not_grow_with_the_ids_of_a_large_split(encoder: Encoder) -> None:
    few, many = split_of(LARGE), split_of(4 * LARGE)
    growth = peak_of(encoder, many) - peak_of(encoder, few)
    assert growth < 16 * 3 * LARGE  # Their ids are about a hundred bytes a row.


def peak_of(encoder: Encoder, split: Dataset) -> int:
    """The most bytes that Python and NumPy held while the split was made ready."""
    tracemalloc.start()
    try:
        rows_to_train_on(encoder, split, 0.1, lambda _: None)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
