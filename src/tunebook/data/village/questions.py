"""Questions about an event and their answers, in many styles and in the house style."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random
from typing import Literal

from tunebook.data.village import english
from tunebook.data.village.events import Event

Topic = Literal["who", "other", "what", "count", "colour", "where", "when", "why", "price", "trade"]
# The fact of a report that holds the answer; the other topics are always told.
FACTS = {"where": "place", "when": "moment", "why": "reason", "price": "price", "trade": "trade"}
UNKNOWN = (
    "It does not say.", "Nobody knows.", "The text does not tell.", "This is not mentioned.",
    "Unknown.", "I cannot tell.",
)  # fmt: skip


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
    return rng.choice(_WORDINGS[topic]).format(**wording(event, rng))


_WORDINGS: dict[Topic, tuple[str, ...]] = {
    "who": ("Who {past}?", "Who was it that {past}?", "Which person {past}?",
            "Tell me who {past}."),
    "other": ("{other_question}",),
    "what": ("What did {agent} {do_what}?", "What was it that {agent} {past_what}?",
             "Which things did {agent} {do_what}?"),
    "count": ("How many {nouns} did {agent} {do_what}?", "How many {nouns} were there?",
              "What was the number of {nouns}?"),
    "colour": ("What colour {was} the {nouns}?", "Which colour {was} the {nouns}?"),
    "where": ("Where did {agent} {do}?", "At what place did {agent} {do}?",
              "Where was it that {agent} {past}?", "In which place did {agent} {do}?"),
    "when": ("When did {agent} {do}?", "When was it that {agent} {past}?",
             "On what day did {agent} {do}?"),
    "why": ("Why did {agent} {do}?", "For what reason did {agent} {do}?",
            "What made {agent} {do}?", "What was the reason why {agent} {past}?"),
    "price": ("How much did the {nouns} cost?", "What was the price of the {nouns}?",
              "For how much did {agent} {do}?"),
    "trade": ("What is the trade of {agent}?", "What does {agent} do for a living?",
              "What is {agent} by trade?", "What work does {agent} do?"),
}  # fmt: skip


def wording(event: Event, rng: Random) -> dict[str, str]:
    """The pieces that a question about the event is made of."""
    tail = _objects(event, rng)
    thing = event.thing
    what = ""
    if event.kind.role == "to" and rng.random() < 0.6:
        what = f" {event.kind.english_to} {event.other.name}"
    return {
        "agent": event.agent.name,
        "past": f"{event.kind.english[2]} {tail}",
        "do": f"{event.kind.english[0]} {tail}",
        "do_what": event.kind.english[0] + what,
        "past_what": event.kind.english[2] + what,
        "nouns": _noun(event),
        "was": "were" if thing and thing.count > 1 else "was",
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


def _noun(event: Event) -> str:
    if event.thing is None:
        return ""
    return event.thing.noun.english_plural if event.thing.count > 1 else event.thing.noun.english


def _objects(event: Event, rng: Random) -> str:
    """The object as a question takes it up again: more or less fully."""
    kind, thing = event.kind, event.thing
    if thing is None:
        return f"{kind.english_to} {event.other.name}".strip()
    if kind.role == "of":
        return f"{english.possessive(event.other.name)} {_noun(event)}"
    brief = f"the {_noun(event)}"
    return brief if rng.random() < 0.5 else f"{brief} {kind.english_to} {event.other.name}"


def _other_question(event: Event, rng: Random) -> str:
    kind, agent, do = event.kind, event.agent.name, event.kind.english[0]
    if kind.role == "of":
        return rng.choice((f"Whose {_noun(event)} did {agent} {do}?",
                           f"To whom did the {_noun(event)} belong?"))  # fmt: skip
    verb = f"{do} the {_noun(event)}" if event.thing else do
    *tail, preposition = (kind.english_to or " ").split(" ")
    verb = " ".join([verb, *tail]).strip()
    if not preposition:
        return rng.choice(
            (f"Whom did {agent} {verb}?", f"Who is it that {agent} {event.kind.english[2]}?")
        )
    return rng.choice((f"Who did {agent} {verb} {preposition}?",
                       f"{preposition.capitalize()} whom did {agent} {verb}?"))  # fmt: skip


def answer(event: Event, topic: Topic, style: Style) -> str:
    """The answer in the style."""
    if style.form == "sentence":
        return english.sentence(full_answer(event, topic, style.digits))
    small_words = style.form == "phrase" or (style.by_content and topic in WITH_SMALL_WORDS)
    return _short(event, topic, small_words, style.digits)


def _short(event: Event, topic: Topic, small_words: bool, digits: bool) -> str:
    kind, thing = event.kind, event.thing
    if topic == "who":
        return event.agent.name
    if topic == "other":
        lead = kind.english_to.split(" ")[-1] if kind.role != "of" else "of"
        return f"{lead} {event.other.name}".strip() if small_words else event.other.name
    if topic == "where":
        return english.at(event.place) if small_words else event.place.english
    if topic == "when":
        return event.moment.english if small_words else event.moment.keyword
    if topic == "why":
        return ("because " if small_words else "") + english.why(event)
    if topic == "price":
        return ("for " if small_words else "") + english.price(event, digits)
    if topic == "trade":
        return english.trade_of(event.agent) if small_words else event.agent.trade.english
    assert thing is not None
    if topic == "colour":
        assert thing.colour is not None
        return thing.colour.english
    if topic == "count":
        count = english.number(thing.count, digits)
        return f"{count} of them" if small_words else count
    return _what(event, small_words, digits)


def _what(event: Event, small_words: bool, digits: bool) -> str:
    assert event.thing is not None
    if event.thing.count == 1 and not small_words:
        return english.described(event.thing)
    return english.a_thing(event.thing, digits)


def full_answer(event: Event, topic: Topic, digits: bool) -> str:
    """The answer as a clause of its own."""
    agent, thing, kind = event.agent.name, event.thing, event.kind
    if topic == "who":
        return f"it was {agent} who {kind.english[2]} {_brief(event)}"
    if topic == "other":
        return _full_other(event)
    if topic == "where":
        return f"it happened {english.at(event.place)}"
    if topic == "when":
        return f"it happened {event.moment.english}"
    if topic == "why":
        return f"{agent} did so because {english.why(event)}"
    if topic == "price":
        return f"the price was {english.price(event, digits)}"
    if topic == "trade":
        return f"{agent} is {english.trade_of(event.agent)}"
    assert thing is not None
    if topic == "count":
        return f"there were {english.number(thing.count, digits)} {_noun(event)}"
    if topic == "colour":
        assert thing.colour is not None
        be = "were" if thing.count > 1 else "was"
        return f"the {_noun(event)} {be} {thing.colour.english}"
    if kind.role == "of":
        return f"{agent} {kind.english[2]} {_what(event, True, digits)}"
    what = _what(event, True, digits)
    return f"{agent} {kind.english[2]} {what} {kind.english_to} {event.other.name}"


def _brief(event: Event) -> str:
    if event.thing is None:
        return f"{event.kind.english_to} {event.other.name}".strip()
    if event.kind.role == "of":
        return f"{english.possessive(event.other.name)} {_noun(event)}"
    return f"the {_noun(event)}"


def _full_other(event: Event) -> str:
    if event.kind.role == "of":
        be = "were" if event.thing and event.thing.count > 1 else "was"
        return f"the {_noun(event)} {be} {english.possessive(event.other.name)}"
    return f"{event.agent.name} {event.kind.english[2]} {_tail(event)}"


def _tail(event: Event) -> str:
    words = f"the {_noun(event)} " if event.thing else ""
    return f"{words}{event.kind.english_to} {event.other.name}".strip()
