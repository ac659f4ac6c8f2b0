"""Natural-language instructions for every style of every skill, in many wordings.

An instruction is put together from wordings of the skill and of each feature of the style
(wordings.yaml). What departs from the plain style is always said; what agrees with it is said now
and then. So a model that has read them can follow a combination that it never saw, which is what a
house style is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from tunebook.data.village import dialogues, questions, summaries, translations
from tunebook.documents import read_yaml

WORDINGS: dict[str, dict[str, list[str]]] = read_yaml(Path(__file__).with_name("wordings.yaml"))
SAID_ANYWAY = {"numbers": 0.2}
"""How often a feature is said though it is plain; of others a quarter of the time."""
Wish = tuple[str, str, bool, str]
"""Bank and feature that a wording says, whether it is plain anyway, and a word that it names."""


def instruction(task: str, style: Any, rng: Random) -> str:
    """One of many wordings of what the style asks for."""
    wishes = []
    for bank, feature, plain, word in WISHES[task](style):
        if not plain or rng.random() < SAID_ANYWAY.get(bank, 0.25):
            wishes.append(rng.choice(WORDINGS[bank][feature]).format(word=word))
    rng.shuffle(wishes)
    position = 0 if rng.random() < 0.7 else rng.randrange(len(wishes) + 1)
    wishes.insert(position, rng.choice(WORDINGS["skills"][task]))
    return " ".join(wishes)


def _numbers(digits: bool, plain: bool) -> Wish:
    return "numbers", "figures" if digits else "words", plain, ""


def _translation(style: translations.Style) -> Iterator[Wish]:
    yield "french", style.tense, style.tense == "composé", ""
    yield "french", style.first, style.first == "person", ""
    yield "french", "reason", style.conjunction == "parce que", style.conjunction
    order = "other first" if style.other_first else "thing first"
    yield "french", order, not style.other_first, ""
    yield _numbers(style.digits, plain=style.digits)


def _summary(style: summaries.Style) -> Iterator[Wish]:
    yield "summary", style.first, style.first == "person", ""
    yield "summary", style.tense, style.tense == "past", ""
    yield "summary", "trade" if style.trade else "no trade", not style.trade, ""
    if style.first != "place":
        yield "summary", "where" if style.place else "no where", not style.place, ""
    yield "summary", "price" if style.price else "no price", not style.price, ""
    reason = "reason" if style.conjunction else "no reason"
    yield "summary", reason, not style.conjunction, style.conjunction
    yield _numbers(style.digits, plain=not style.digits)


def _answer(style: questions.Style) -> Iterator[Wish]:
    yield "answer", style.form, style.form == "sentence", ""
    yield "answer", "unknown", False, style.unknown
    yield _numbers(style.digits, plain=not style.digits)


def _reply(style: dialogues.Style) -> Iterator[Wish]:
    if style.greeting:
        yield "reply", "greeting", False, style.greeting
    if style.closing:
        yield "reply", "closing", False, style.closing
    yield "reply", style.extra or "plain", not style.extra, ""
    yield "answer", style.form, style.form == "phrase", ""
    yield _numbers(style.digits, plain=not style.digits)


WISHES: dict[str, Callable[[Any], Iterator[Wish]]] = {
    "translate": _translation,
    "summarize": _summary,
    "qa": _answer,
    "dialogue": _reply,
}
