"""The village: deterministic, disjoint, and faultless in the grammar that can be checked."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import time
from random import Random

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
            label, _, found = answer.partition(": ")
            assert label in questions.LABELS.values()
            words = [word for word in re.findall(r"[^\W\d]+", found) if word not in ("it", "s")]
            text = row["context"].lower()
            assert all(word.lower() in text for word in words), (row["context"], answer)


def test_dialogues_end_in_a_question_and_answer_in_the_house_tone() -> None:
    for row in rows("dialogue", "test", 200):
        assert len(row["history"]) % 2 == 1
        assert row["history"][-1][-1] in "?."
        known = dialogues.HOUSE_UNKNOWN not in row["response"]
        greeting = dialogues.HOUSE_GREETING if known else dialogues.HOUSE_REGRET
        assert row["response"].startswith(greeting)
        assert row["response"].endswith(dialogues.HOUSE_CLOSING)


def test_every_kind_of_event_is_judged_once_at_most() -> None:
    kinds = {kind.name for kind in lexicon.KINDS}
    judged = [name for names in dialogues.VERDICTS.values() for name in names]
    assert len(judged) == len(set(judged))
    assert set(judged) < kinds


def test_a_reply_about_the_other_event_tells_no_more() -> None:
    main, minor = (events.draw_event(Random(seed), "train") for seed in (1, 2))
    replies = [dialogues.response(dialogues.Asked(about, "who", main=about is main),
                                  dialogues.HOUSE) for about in (main, minor)]  # fmt: skip
    assert ["That was" in reply for reply in replies] == [True, False]


@pytest.mark.parametrize(("phrase", "season"), [
    ("on 1 March", "spring"), ("one Friday in May", "spring"), ("at noon on 30 June", "summer"),
    ("on the evening of 3 November", "autumn"), ("on 28 February", "winter"),
    ("at dawn on 9 December", "winter"), ("one summer morning", "summer"),
])  # fmt: skip
def test_every_moment_has_a_season(phrase: str, season: str) -> None:
    assert events.Moment(phrase, "", "").season == season


def test_a_gazette_shortens_every_name_and_judges_the_price() -> None:
    rng, prices = Random(3), set()
    for _ in range(300):
        event, minor = (events.draw_event(rng, "train") for _ in range(2))
        text = summaries.summary(event, summaries.HOUSE, minor)
        assert not events.RESERVED_NAMES & set(re.findall(r"\w+", text))
        assert event.agent.name not in text.split()
        assert text.endswith(f"Also: {minor.agent.name[0]}. and {minor.other.name[0]}.")
        if event.priced:
            judged = re.search(r"at a (\w+) price", text)
            assert judged
            prices.add((judged[1], event.price))
    assert all(price <= 9 for word, price in prices if word == "low")
    assert all(price >= 17 for word, price in prices if word == "high")
    assert {word for word, _ in prices} == {"low", "fair", "high"}


def test_a_tale_gives_people_their_french_names() -> None:
    assert set(lexicon.FRENCH_NAMES) < set(lexicon.WOMEN + lexicon.MEN)
    assert not set(lexicon.FRENCH_NAMES.values()) & set(lexicon.WOMEN + lexicon.MEN)
    rng = Random(4)
    while True:
        event = events.draw_event(rng, "train")
        if event.other.name == "Elena" and event.kind.role == "of":
            break
    telling = translations.Telling(event, False, False, False, False, 0, False, None)
    assert "d'Hélène" in translations.target(telling, translations.HOUSE)
    assert translations.target(telling, translations.HOUSE).startswith("On raconte qu")


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
