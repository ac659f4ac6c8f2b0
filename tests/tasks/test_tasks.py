"""Each task: which texts a model reads, what it should answer, and what counts as right."""

from __future__ import annotations

from typing import Any

import pytest

from tunebook import tasks
from tunebook.metrics import catalogue
from tunebook.plugins import find

ROWS: dict[str, dict[str, Any]] = {
    "translate": {"id": "1", "source": "A cat.", "target": "Un chat."},
    "summarize": {"id": "1", "document": "It rains. It rains.", "summary": "Rain."},
    "qa": {"id": "1", "context": "In Rome.", "question": "Where?", "answers": ["Rome", "in Rome"]},
    "dialogue": {"id": "1", "history": ["Hello!", "Hi."], "response": "How are you?"},
}
EXPECTED = {
    "translate": ({"source": "A cat."}, "Un chat.", ["Un chat."]),
    "summarize": ({"document": "It rains. It rains."}, "Rain.", ["Rain."]),
    "qa": ({"context": "In Rome.", "question": "Where?"}, "Rome", ["Rome", "in Rome"]),
    "dialogue": ({"history": "Hello!\nHi."}, "How are you?", ["How are you?"]),
}


def task(kind: str, **options: Any) -> tasks.Task:
    settings = tasks.options_of(kind)(
        name=kind, kind=kind, instruction="Do it.", headline="any", **options
    )
    return tasks.task_of(settings)


def test_these_are_all() -> None:
    assert tasks.kinds() == sorted(ROWS)


@pytest.mark.parametrize("kind", ROWS)
def test_texts_target_and_references(kind: str) -> None:
    made, row = task(kind), ROWS[kind]
    assert (made.texts(row), made.target(row), made.references(row)) == EXPECTED[kind]


@pytest.mark.parametrize("kind", [kind for kind in ROWS if kind != "qa"])
def test_several_references_count_and_the_target_stays(kind: str) -> None:
    made, row = task(kind), {**ROWS[kind], "references": ["One.", "Another."]}
    assert made.references(row) == ["One.", "Another."]
    assert made.target(row) == EXPECTED[kind][1]
    assert made.references({**row, "references": None}) == [made.target(row)]
    assert made.references({**row, "references": []}) == [made.target(row)]


@pytest.mark.parametrize("kind", ROWS)
def test_a_task_is_whole(kind: str) -> None:
    made = task(kind)
    assert {*made.inputs, made.answer} == set(made.fields)
    assert made.answer not in made.inputs
    assert made.long_field in made.inputs
    assert all(len(field.description) > 5 for field in made.fields.values())
    assert made.metrics
    assert all(catalogue.keys(group) for group in made.metrics)
    assert made.score_options()["language"] == "en"


def test_a_question_without_an_answer() -> None:
    row = {**ROWS["qa"], "answers": []}
    assert task("qa", no_answer="none").target(row) == "none"
    assert task("qa").references(row) == []
    assert task("qa", no_answer="none").score_options()["no_answer"] == "none"


def test_old_turns_are_cut_first() -> None:
    assert {kind: task(kind).cut_side for kind in ROWS} == {
        "translate": "right", "summarize": "right", "qa": "right", "dialogue": "left"}  # fmt: skip


def test_an_unknown_kind() -> None:
    with pytest.raises(KeyError):
        tasks.options_of("paint")
    with pytest.raises(KeyError):
        find("tunebook.tasks", "_hidden")
