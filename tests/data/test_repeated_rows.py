"""Rows that have the same inputs: across splits, in one, and joined."""

from __future__ import annotations

from typing import Any

import pytest
from loading_examples import PAIRS, loaded, refused, task_named, write_lines

from tunebook.data.examples import fingerprint
from tunebook.data.faults import Notes
from tunebook.data.sources import open_sources
from tunebook.schema import DataSettings


def files(**splits: list[Any]) -> dict[str, str]:
    return {split: write_lines(f"{split}.jsonl", rows) for split, rows in splits.items()}


def row(source: str, target: str = "x") -> dict[str, str]:
    return {"source": source, "target": target}


def test_validation_rows_in_train_are_counted() -> None:
    other = row("Another.")
    given = files(train=PAIRS, validation=[*PAIRS[:2], other], test=[row("Alone.")])
    found = loaded("translate", **given)
    assert found.heard("warning: 2 of 3 rows of validation have the same source as a row of train")
    assert not found.heard("of test")


def test_white_space_makes_no_other_row() -> None:
    given = files(train=[row("On day 3\u3000the  mill\n")], validation=[row("x")],
                  test=[row("On day 3 the mill")])  # fmt: skip
    found = loaded("translate", **given)
    assert found.heard("warning: 1 of 1 rows of train have the same source as a row of test")


SIX = [row(f"name[A{i % 2}]", f"Text {i}.") for i in range(6)]


def test_rows_that_repeat_a_source_are_pointed_out() -> None:
    given = files(train=[*PAIRS, PAIRS[0]], validation=[row("x")], test=SIX)
    found = loaded("translate", **given)
    assert found.heard("4 of 6 rows of test repeat the source of another; data.group=true")
    assert "1 of 41 rows of train repeat the source of another" in found.said
    assert len(found.rows("test")) == 6


def test_they_can_be_joined_into_rows_with_references() -> None:
    given = files(train=[*PAIRS, PAIRS[0]], validation=[row("x")], test=SIX)
    found = loaded("translate", **given, group=True)
    assert found.rows("test") == [
        {"id": f"test-{i + 1}", **row(f"name[A{i}]", f"Text {i}."),
         "references": [f"Text {i}.", f"Text {i + 2}.", f"Text {i + 4}."]}
        for i in range(2)
    ]  # fmt: skip
    assert len(found.rows("train")) == 41
    assert not found.heard("rows of test repeat")
    assert found.heard("data.test: 6 rows are 2 of different source, with up to 3 references")


def test_joining_is_another_content() -> None:
    given = files(train=PAIRS, validation=[row("x")], test=SIX)
    prints = {loaded("translate", **given, group=group).examples.fingerprint
              for group in (False, True)}  # fmt: skip
    assert len(prints) == 2


def test_answers_of_the_same_question_are_joined() -> None:
    def asked(*answers: str) -> dict[str, Any]:
        return {"context": "c", "question": "q", "answers": list(answers)}

    given = files(train=[asked("t")] * 3, validation=[asked("v")], test=[asked("a"), asked("b")])
    found = loaded("qa", **given, group=True)
    assert [one["answers"] for one in found.rows("test")] == [["a", "b"]]


def test_own_references_are_joined_too() -> None:
    two = [{**row("s"), "refs": ["a", "b"]}, {**row("s"), "refs": ["b", "c"]}]
    given = files(train=PAIRS, validation=[row("x")], test=two)
    found = loaded("translate", **given, group=True, fields={"references": "refs"})
    assert found.rows("test")[0]["references"] == ["a", "b", "c"]


def test_no_source_stands_on_both_sides_of_what_is_held_out() -> None:
    rows = [row(f"s{i % 20}", f"t{i}") for i in range(100)]
    found = loaded("translate", **files(train=rows))
    sources = [{one["source"] for one in found.rows(split)}
               for split in ("train", "validation", "test")]  # fmt: skip
    assert [len(found.rows(split)) for split in ("train", "validation", "test")] == [80, 10, 10]
    assert len(set.union(*sources)) == sum(map(len, sources))
    assert found.heard("rows of the same source stay together")


@pytest.mark.parametrize("repeats", [False, True])
def test_rows_held_out_by_source_are_another_content(repeats: bool) -> None:
    """Finished runs on rows that were held out otherwise are not answered in its place."""
    rows = [row(f"s{i % 20 if repeats else i}", f"t{i}") for i in range(100)]
    found = loaded("translate", **files(train=rows))
    settings = DataSettings(name="files", source="files", train="train.jsonl")
    task = task_named("translate")
    sources = open_sources(settings, task, Notes(lambda line: None))
    as_read = fingerprint(sources, settings, task, [])
    assert (found.examples.fingerprint != as_read) == repeats


def test_a_source_of_half_the_rows_is_not_held_out() -> None:
    rows = [row("Tell me a joke.", f"t{i}") for i in range(50)] + PAIRS
    found = loaded("translate", **files(train=rows))
    assert [len(found.rows(split)) for split in ("train", "validation", "test")] == [72, 9, 9]


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_sources_are_refused(count: int) -> None:
    rows = [row(f"s{i % count}", f"t{i}") for i in range(40)]
    (problem,) = refused("translate", **files(train=rows))
    assert problem.where == "data.train"
    assert f"({count} that are no repetition), too few to hold out" in problem.what
