"""Each task: which texts a model reads, what it should answer, and what counts as right."""

from __future__ import annotations

from pathlib import Path
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


def test_these_are_there() -> None:
    assert set(ROWS) <= set(tasks.kinds())


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


@pytest.mark.parametrize(("words", "instruction"), [
    ([], "Translate the text from English to French."),
    (["task.language=de"], "Translate the text from English to German."),
    (["task.source_language=zh", "task.language=pt-BR"],
     "Translate the text from Chinese to Portuguese."),
    (["task.language=xx", "task.instruction=Translate it."], "Translate it."),
])  # fmt: skip
def test_the_instruction_names_the_languages_of_the_task(
    words: list[str], instruction: str, llama_folder: Path
) -> None:
    from recipes import compose
    from tunebook.settings import resolve
    from tunebook.templates.template import Template

    given = compose("task=translate", "data=files", "data.train=any.jsonl", "method=instruction",
                    f"model.path={llama_folder}", *words)  # fmt: skip
    settings = resolve(given).settings
    assert settings.task.instruction == instruction
    for one in (given, settings):
        rendered = Template(one.template, tasks.task_of(one.task)).render({"source": "A dog."})
        assert rendered == f"{instruction}\n\nA dog."


def test_the_instruction_names_the_words_for_no_answer() -> None:
    from recipes import compose

    said = "Answer the question from the context in a few words, or say {}."
    for words, no_answer in (([], '"no answer"'), (["task.no_answer=keine"], '"keine"')):
        settings = compose("task=qa", "data=files", "data.train=any.jsonl", *words)
        assert tasks.instruction_of(settings.task) == said.format(no_answer)


@pytest.mark.parametrize("key", ["language", "source_language"])
def test_a_language_without_a_name_cannot_be_in_an_instruction(
    key: str, llama_folder: Path
) -> None:
    from recipes import compose
    from tunebook.errors import RequestError
    from tunebook.settings import resolve

    words = ["task=translate", "data=files", "data.train=any.jsonl", f"model.path={llama_folder}"]
    with pytest.raises(RequestError) as caught:
        resolve(compose(*words, f"task.{key}=xx"))
    (problem,) = caught.value.problems
    assert problem.where == f"task.{key}"
    with pytest.raises(RequestError, match="'Deutsch' is not a language code"):
        resolve(compose(*words, f"task.{key}=Deutsch"))


def test_an_instruction_for_another_language_is_told(llama_folder: Path) -> None:
    from recipes import compose
    from tunebook.settings import resolve

    words = ["task=translate", "data=files", "data.train=any.jsonl", f"model.path={llama_folder}"]
    french = "task.instruction=Translate into French."
    (warning,) = resolve(compose(*words, french, "task.language=de")).warnings
    assert warning.startswith("task.instruction: names French, and task.language is de")
    assert resolve(compose(*words, french, "task.language=fr")).warnings == []


def test_languages_have_one_name_each() -> None:
    from tunebook.languages import NAMES, alike, name_of

    assert len({code for code in NAMES if len(code) == 2}) > 180
    assert [name_of(code) for code in ("de", "deu", "ZH_Hans", "nb", "twi", "xx")] == [
        "German", "German", "Chinese", "Norwegian Bokmål", "Twi", None]  # fmt: skip
    assert alike("zh-TW") == ("zh", "zho", "cmn")
