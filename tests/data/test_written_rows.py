"""Rows that stand in the settings themselves."""

from __future__ import annotations

from typing import Any

import pytest
from loading_examples import loaded, refused

ROWS = {
    "train": [{"source": f"one {i}", "target": f"un {i}"} for i in range(20)],
    "test": [{"source": "two", "target": "deux"}],
}
BASE: dict[str, Any] = {"name": "mine", "source": "rows"}


def test_they_are_read_and_a_missing_split_is_held_out() -> None:
    found = loaded("translate", **BASE, rows=ROWS)
    assert [len(found.rows(split)) for split in ("train", "validation", "test")] == [18, 2, 1]
    assert found.rows("test")[0]["target"] == "deux"


def test_other_columns_can_be_named() -> None:
    rows = {split: [{"en": row["source"], "fr": row["target"]} for row in some]
            for split, some in ROWS.items()}  # fmt: skip
    found = loaded("translate", **BASE, rows=rows, fields={"source": "en", "target": "fr"})
    assert found.rows("test")[0]["source"] == "two"


def test_the_fingerprint_follows_the_rows() -> None:
    first = loaded("translate", **BASE, rows=ROWS).examples.fingerprint
    assert loaded("translate", **BASE, rows=ROWS).examples.fingerprint == first
    other = {**ROWS, "test": [{"source": "two", "target": "DEUX"}]}
    assert loaded("translate", **BASE, rows=other).examples.fingerprint != first


WRONG = [
    ({}, "data.rows.train", "is missing"),
    ({**ROWS, "tset": []}, "data.rows.tset", "no such split"),
    ({"train": "two"}, "data.rows.train", "is no list of rows"),
    ({"train": ["two", {"source": "a", "target": "b"}]}, "data.rows.train", "row 1 has no fields"),
    ({"train": [{"source": "a"}] * 20}, "data.rows.train", "has no column target; it has source"),
]


@pytest.mark.parametrize(("rows", "where", "what"), WRONG, ids=lambda one: str(one)[:20])
def test_what_is_wrong_is_named(rows: dict[str, Any], where: str, what: str) -> None:
    problems = refused("translate", **BASE, rows=rows)
    assert where in {problem.where for problem in problems}
    assert any(what in problem.what for problem in problems)


def test_rows_belong_to_their_source() -> None:
    problems = refused("translate", name="village", source="village", rows=ROWS)
    assert "belongs to a data set with source: rows" in problems[0].what
