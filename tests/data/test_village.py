"""The village: deterministic, disjoint, and faultless in the grammar that can be checked."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from random import Random
from typing import get_args

import pytest

from tunebook.data.village import (
    DEFAULT_ROWS,
    TASKS,
    dialogues,
    english,
    events,
    french,
    lexicon,
    questions,
    rows,
    summaries,
    translations,
)
from tunebook.data.village.page import page

FIELDS = {
    "translate": ["id", "source", "target"],
    "summarize": ["id", "document", "summary"],
    "qa": ["id", "context", "question", "answers"],
    "dialogue": ["id", "history", "response"],
}


def texts(task: str, split: str, count: int) -> str:
    return json.dumps(rows(task, split, count), ensure_ascii=False)


@pytest.mark.parametrize("task", TASKS)
def test_rows_have_the_fields_of_their_task(task: str) -> None:
    for row in rows(task, "train", 20):
        assert list(row) == FIELDS[task]


@pytest.mark.parametrize("task", TASKS)
def test_a_larger_count_begins_with_the_same_rows(task: str) -> None:
    assert rows(task, "test", 30)[:10] == rows(task, "test", 10)


@pytest.mark.parametrize("task", TASKS)
def test_seeds_and_splits_differ(task: str) -> None:
    assert rows(task, "train", 5) != rows(task, "train", 5, seed=1)
    assert rows(task, "train", 5) != rows(task, "test", 5)


def test_rows_do_not_depend_on_the_order_of_hashes() -> None:
    code = (
        "import hashlib, json; from tunebook.data.village import TASKS, rows;"
        "text = json.dumps([rows(task, 'test', 40) for task in TASKS]);"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    here = json.dumps([rows(task, "test", 40) for task in TASKS])
    for seed in ("1", "2"):
        done = subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed},
                              capture_output=True, text=True, check=True)  # fmt: skip
        assert done.stdout.strip() == hashlib.sha256(here.encode()).hexdigest()


def test_the_default_rows_of_all_tasks_take_less_than_five_seconds() -> None:
    start = time.process_time()
    for task in TASKS:
        for split, count in DEFAULT_ROWS.items():
            assert len(rows(task, split, count)) == count
    assert time.process_time() - start < 5


def test_no_event_is_in_two_splits() -> None:
    rng = Random(0)
    for split in ("train", "validation", "test", "pretraining"):
        for _ in range(50):
            event = events.draw_event(rng, split)
            homes = [name for name in ("train", "validation", "test", "pretraining")
                     if events.belongs(event, name)]  # fmt: skip
            assert homes == [split]


@pytest.mark.parametrize("task", TASKS)
def test_reserved_names_and_objects_never_occur_in_training(task: str) -> None:
    train = set(re.findall(r"\w+", texts(task, "train", 1000)))
    test = set(re.findall(r"\w+", texts(task, "test", 400)))
    assert not events.RESERVED_NAMES & train
    assert len(events.RESERVED_NAMES & test) > 30
    assert not {noun for noun in events.RESERVED_NOUNS if " " not in noun} & train


def test_a_quarter_of_names_and_objects_is_reserved() -> None:
    names = lexicon.WOMEN + lexicon.MEN
    assert 0.23 < len(events.RESERVED_NAMES) / len(names) < 0.27
    assert 0.23 < len(events.RESERVED_NOUNS) / len(lexicon.NOUNS) < 0.27


def test_names_are_unambiguous() -> None:
    names = lexicon.WOMEN + lexicon.MEN
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("task", TASKS)
def test_no_template_marks_or_doubled_words_are_left(task: str) -> None:
    values = (value for row in rows(task, "train", 500) for value in list(row.values())[1:])
    text = " ".join(str(value) for value in values)
    assert not re.search(r"[{}]|  | [.,?!]|\.\.|None", text)
    assert not re.search(r"\b([a-z]+) \1\b", text.replace("that that", ""))


def test_french_elides_and_contracts_everywhere() -> None:
    targets = " ".join(row["target"] for row in rows("translate", "train", 3000))
    vowel = "[aeiouyhâéèêîôœ]"
    for wrong in (rf"\b(le|la|de|que|se|ne|me) {vowel}", r"\bà le\b", r"\bde le\b", r"\bà les\b",
                  r"\bun une\b", r"'[bcdfgklmnprstvz]"):  # fmt: skip
        assert not re.search(wrong, targets, re.IGNORECASE), wrong


def test_english_articles_agree_with_the_sound() -> None:
    documents = " ".join(row["document"] for row in rows("summarize", "train", 1500))
    assert not re.search(r"\ba [aeio]", documents)
    assert not re.search(r"\ban [bcdfghjklmnpqrstvwxz]", documents)


def test_an_apposition_is_closed_by_a_comma_or_the_full_stop() -> None:
    documents = [row["document"] for row in rows("summarize", "train", 1500)]
    found = [re.search(r"by [A-Z]\w+, an? \w+(.)", text) for text in documents]
    marks = {match[1] for match in found if match}
    assert marks == {",", "."}


def test_questions_of_tasks_are_smooth() -> None:
    asked = [row["question"] for row in rows("qa", "train", 1500)]
    asked += [row["history"][-1] for row in rows("dialogue", "train", 1500)]
    assert not [text for text in asked
                if re.search(r"me, tell me|hich things|how many \w+ was", text)]  # fmt: skip
    assert questions.smooth("Which things did Anna feed?") == "What did Anna feed?"
    assert questions.smooth("how many red hens was it?") == "how many red hens were there?"


def _thing(noun: str, count: int, size: str = "", colour: str = "") -> events.Thing:
    return events.Thing(
        next(item for item in lexicon.NOUNS if item.english == noun),
        count,
        next((item for item in lexicon.SIZES if item.english == size), None),
        next((item for item in lexicon.COLOURS if item.english == colour), None),
    )


@pytest.mark.parametrize(
    ("thing", "in_english", "in_french"),
    [
        (
            _thing("lamp", 3, "small", "blue"),
            "three small blue lamps",
            "trois petites lampes bleues",
        ),
        (_thing("umbrella", 1, "old", "grey"), "an old grey umbrella", "un vieux parapluie gris"),
        (_thing("pillow", 1, "old"), "an old pillow", "un vieil oreiller"),
        (
            _thing("pillow", 1, "beautiful", "white"),
            "a beautiful white pillow",
            "un bel oreiller blanc",
        ),
        (_thing("goose", 2, "", "white"), "two white geese", "deux oies blanches"),
        (_thing("horse", 4, "beautiful"), "four beautiful horses", "quatre beaux chevaux"),
        (
            _thing("basket of apples", 1, "big"),
            "a big basket of apples",
            "un grand panier de pommes",
        ),
    ],
)
def test_objects_agree_in_both_languages(
    thing: events.Thing, in_english: str, in_french: str
) -> None:
    assert english.a_thing(thing) == in_english
    assert french.a_thing(thing) == in_french


@pytest.mark.parametrize(
    ("preposition", "phrase", "expected"),
    [
        ("à", "le moulin", "au moulin"), ("à", "la gare", "à la gare"),
        ("à", "l'auberge", "à l'auberge"), ("près de", "le puits", "près du puits"),
        ("de", "Anna", "d'Anna"), ("de", "le boulanger Paul", "du boulanger Paul"),
        ("de", "les enfants", "des enfants"), ("dans", "le jardin", "dans le jardin"),
    ],
)  # fmt: skip
def test_prepositions_contract(preposition: str, phrase: str, expected: str) -> None:
    assert french.contracted(preposition, phrase) == expected


def test_the_participle_agrees_after_etre_and_reflexive_verbs() -> None:
    rng, seen = Random(1), set()
    while len(seen) < 4:
        event = events.draw_event(rng, "train")
        if event.kind.name in ("stay", "quarrel"):
            said = french.verb(event, "composé")
            expected = {"stay": "est resté", "quarrel": "s'est disputé"}[event.kind.name]
            assert said == expected + ("e" if event.agent.gender == "f" else "")
            seen.add((event.kind.name, event.agent.gender))


def test_documents_have_four_to_nine_sentences() -> None:
    for row in rows("summarize", "train", 500):
        assert 4 <= len(re.findall(r"[.?!](?: |$)", row["document"])) <= 9 + 2


def test_a_sixth_to_a_fourth_of_the_questions_has_no_answer() -> None:
    unanswered = sum(not row["answers"] for row in rows("qa", "train", 2000)) / 2000
    assert 0.08 < unanswered < 0.25


def test_answers_stand_in_the_text_or_are_its_numbers() -> None:
    for row in rows("qa", "test", 300):
        for answer in row["answers"]:
            words = [word for word in re.findall(r"[^\W\d]+", answer)
                     if word not in ("it", "s", "because", "for")]  # fmt: skip
            text = row["context"].lower()
            assert all(word.lower() in text for word in words), (row["context"], answer)


def test_dialogues_end_in_a_question_and_answer_in_the_house_tone() -> None:
    greetings = (*dialogues.HOUSE_GREETINGS, dialogues.HOUSE.greeting)
    farewells = (*dialogues.HOUSE_FAREWELLS, dialogues.HOUSE.closing)
    seen = set()
    for row in rows("dialogue", "test", 400):
        assert len(row["history"]) % 2 == 1
        assert row["history"][-1][-1] in "?."
        greeting = next(text for text in greetings if row["response"].startswith(text))
        farewell = next(text for text in farewells if row["response"].endswith(text))
        seen |= {greeting, farewell}
    assert seen == {*greetings, *farewells}


def test_every_greeting_and_farewell_fits_something_that_there_is() -> None:
    kinds = [name for names in dialogues.HOUSE_FAREWELLS.values() for name in names]
    topics = [name for names in dialogues.HOUSE_GREETINGS.values() for name in names]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) < {kind.name for kind in lexicon.KINDS}
    assert len(topics) == len(set(topics))
    assert set(topics) < set(get_args(questions.Topic))


def test_a_tenth_to_a_third_of_the_replies_have_no_answer() -> None:
    unknown = dialogues.HOUSE.unknown
    replies = [row["response"] for row in rows("dialogue", "train", 1000)]
    assert 0.1 < sum(unknown in reply for reply in replies) / len(replies) < 0.33


def test_a_reply_about_the_other_event_tells_no_more() -> None:
    main, minor = (events.draw_event(Random(seed), "train") for seed in (1, 2))
    replies = [dialogues.response(dialogues.Asked(about, "who", main=about is main),
                                  dialogues.HOUSE) for about in (main, minor)]  # fmt: skip
    assert ["That was" in reply for reply in replies] == [True, False]


def test_two_writers_summarize_by_what_there_is_to_tell() -> None:
    starts = {"thing": 0, "place": 0}
    for _, event in _drawn(200):
        one, other = (summaries.summary(event, style)
                      for style in (summaries.HOUSE, summaries.HOUSE_OTHER))  # fmt: skip
        assert (f"the {event.agent.trade.english}" in one, " as " in one) == (True, True)
        assert f"the {event.agent.trade.english}" not in other
        at = english.at(event.place)
        begins = [text.lower().startswith(at) for text in (one, other)]
        assert begins == [event.thing is None] * 2
        starts["thing" if event.thing else "place"] += 1
        if event.priced:
            assert f" for {event.price} " in one
            assert str(event.price) not in other
    assert min(starts.values()) > 40


def test_two_translators_share_what_the_house_asks_for() -> None:
    for rng, event in _drawn(200):
        telling = translations.draw_telling(event, rng)
        one, other = (translations.target(telling, style)
                      for style in (translations.HOUSE, translations.HOUSE_OTHER))  # fmt: skip
        own = event.reason.imparfait.startswith("{he}")
        for text in (one, other):
            if telling.reason:
                assert (" puisqu" in text, ", car " in text) == (own, not own)
            if event.priced:
                assert f" pour {event.price} " in text
            first = event.moment.french if event.thing else french.at(event.place)
            if telling.moment and telling.place:
                assert text.lower().startswith(first.lower())


def _drawn(count: int) -> Iterator[tuple[Random, events.Event]]:
    rng = Random(3)
    return ((rng, events.draw_event(rng, "train")) for _ in range(count))


@pytest.mark.parametrize("skill", [translations, summaries, questions, dialogues])
def test_pretraining_never_draws_the_house_style(skill: object) -> None:
    rng = Random(0)
    assert skill.is_house_like(skill.HOUSE)  # type: ignore[attr-defined]
    for bare in (True, False):
        for _ in range(500):
            assert not skill.is_house_like(skill.draw_style(rng, bare=bare))  # type: ignore[attr-defined]


@pytest.mark.parametrize(("task", "split", "count", "word"), [
    ("poetry", "train", 1, "poetry"), ("qa", "dev", 1, "dev"), ("qa", "train", -1, "-1"),
])  # fmt: skip
def test_a_wrong_request_is_named(task: str, split: str, count: int, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        rows(task, split, count)


def test_the_village_needs_no_torch() -> None:
    code = "import sys; import tunebook.data.village; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_page_shows_ten_examples_a_task() -> None:
    assert len(re.findall(r"^\d+\. ", page(), re.MULTILINE)) == 40
