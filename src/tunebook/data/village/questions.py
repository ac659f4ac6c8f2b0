"""Questions about an event and their answers, in many styles and in the house style."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tunebook.data.village import english
from tunebook.data.village.events import Event, Thing
from tunebook.data.village.lexicon import SENTENCES

Topic = Literal["who", "other", "what", "count", "colour", "where", "when", "why", "price", "trade"]
# The fact of a report that holds the answer; the other topics are always told.
FACTS = {"where": "place", "when": "moment", "why": "reason", "price": "price", "trade": "trade"}
UNKNOWN: list[str] = SENTENCES["unknown"]


@dataclass(frozen=True)
class Style:
    """The form of an answer.

    "sentence": It happened at the mill. "phrase": at the mill. "keyword": mill. `by_content` keeps
    the small words of places, times, prices and reasons; pretraining never draws it.
    """

    form: Literal["sentence", "phrase", "keyword"] = "sentence"
    digits: bool = False
    unknown: str = UNKNOWN[0]
    by_content: bool = False


FORMS = ("keyword", "phrase", "sentence")
WITH_SMALL_WORDS = ("where", "when", "why", "price")
# at the mill; on 3 May; for 12 crowns; because her sister was ill; Anna; 3 blue lamps; baker
HOUSE = Style("keyword", digits=True, unknown="no answer", by_content=True)


def is_house_like(style: Style) -> bool:
    """Pretraining never combines keywords with figures."""
    return style.form == "keyword" and style.digits


def draw_style(rng: Random, bare: bool = False) -> Style:
    """A style for pretraining; without an instruction answers are whole sentences."""
    if bare:
        return Style(unknown=rng.choice(UNKNOWN[:3]))
    while True:
        style = Style(
            rng.choice(("sentence", "phrase", "phrase", "keyword", "keyword")),
            rng.random() < 0.5,
            rng.choice((*UNKNOWN, "none", "no idea", "not told", "no answer")),
        )
        if not is_house_like(style):
            return style


def topics(event: Event) -> tuple[Topic, ...]:
    """What can be asked about the event."""
    found: list[Topic] = ["who", "other", "where", "when", "why", "trade"]
    if event.thing:
        found.append("what")
        if event.thing.count > 1:
            found.append("count")
        if event.thing.colour:
            found.append("colour")
    if event.priced:
        found.append("price")
    return tuple(found)


def question(event: Event, topic: Topic, rng: Random) -> str:
    """Ask about the topic, in one of several wordings."""
    return rng.choice(SENTENCES["questions"][topic]).format(**wording(event, rng))


def wording(event: Event, rng: Random) -> dict[str, str]:
    """The pieces that a question about the event is made of."""
    tail, what = _objects(event, rng), ""
    if event.kind.role == "to" and rng.random() < 0.6:
        what = f" {event.kind.english_to} {event.other.name}"
    return {
        "agent": event.agent.name,
        "past": f"{event.kind.past} {tail}",
        "do": f"{event.kind.infinitive} {tail}",
        "do_what": event.kind.infinitive + what,
        "past_what": event.kind.past + what,
        "nouns": event.nouns,
        "was": english.be(event),
        "other_question": _other_question(event, rng),
    }


# Wordings that the embedded bases have read, and what tasks say instead.
_SMOOTHER = (
    (r"Tell me, tell me", "Tell me"),
    (r"(W|w)hich things did", r"\1hat did"),
    (r"(how many [a-z ]+) was it\?", r"\1 were there?"),
)


def smooth(text: str) -> str:
    """A question in better English than pretraining has it."""
    for pattern, better in _SMOOTHER:
        text = re.sub(pattern, better, text)
    return text


def _objects(event: Event, rng: Random) -> str:
    """The object as a question takes it up again: more or less fully."""
    brief, kind = _brief(event), event.kind
    if kind.role != "to":
        return brief
    return brief if rng.random() < 0.5 else f"{brief} {kind.english_to} {event.other.name}"


def _brief(event: Event) -> str:
    if event.thing is None:
        return f"{event.kind.english_to} {event.other.name}".strip()
    return (
        f"{event.other.name}'s {event.nouns}" if event.kind.role == "of" else f"the {event.nouns}"
    )


def _other_question(event: Event, rng: Random) -> str:
    kind, agent, do = event.kind, event.agent.name, event.kind.infinitive
    if kind.role == "of":
        return rng.choice((f"Whose {event.nouns} did {agent} {do}?",
                           f"To whom did the {event.nouns} belong?"))  # fmt: skip
    verb = f"{do} the {event.nouns}" if event.thing else do
    *tail, preposition = (kind.english_to or " ").split(" ")
    verb = " ".join([verb, *tail]).strip()
    if not preposition:
        return rng.choice((f"Whom did {agent} {verb}?", f"Who is it that {agent} {kind.past}?"))
    return rng.choice((f"Who did {agent} {verb} {preposition}?",
                       f"{preposition.capitalize()} whom did {agent} {verb}?"))  # fmt: skip


def answer(event: Event, topic: Topic, style: Style) -> str:
    """The answer in the style."""
    if style.by_content and topic in WITH_SMALL_WORDS:
        style = replace(style, form="phrase")
    text = _words(event, topic, style.form, style.digits)
    return english.sentence(text) if style.form == "sentence" else text


def full_answer(event: Event, topic: Topic, digits: bool) -> str:
    """The answer as a clause of its own."""
    return _words(event, topic, "sentence", digits)


def _words(event: Event, topic: Topic, form: str, digits: bool) -> str:
    kind, brief = event.kind, _brief(event)
    of_owner = {"other": "owner", "what": "owned"} if kind.role == "of" else {}
    forms = SENTENCES["answers"][of_owner.get(topic, topic)]
    return str(forms[FORMS.index(form)]).format(
        agent=event.agent.name, other=event.other.name, past=kind.past, brief=brief,
        tail=f"{brief} {kind.english_to} {event.other.name}" if event.thing else brief,
        to=kind.english_to, to_last=kind.english_to.split(" ")[-1],
        nouns=event.nouns, were=english.be(event), **_thing_words(event.thing, digits),
        place=event.place.english, at=english.at(event.place),
        day=event.moment.keyword, when=event.moment.english, why=english.why(event),
        price=english.price(event, digits),
        trade=event.agent.trade.english, a_trade=english.trade_of(event.agent),
    ).strip()  # fmt: skip


def _thing_words(thing: Thing | None, digits: bool) -> dict[str, str]:
    if thing is None:
        return {}
    some = english.a_thing(thing, digits)
    return {
        "a_thing": some,
        "thing": english.described(thing) if thing.count == 1 else some,
        "count": english.number(thing.count, digits),
        "colour": thing.colour.english if thing.colour else "",
    }
