"""Two neighbours talk: one tells an event bit by bit, the other asks about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tunebook.data.village import english, questions
from tunebook.data.village.english import sentence
from tunebook.data.village.events import Event
from tunebook.data.village.lexicon import SENTENCES
from tunebook.data.village.questions import Topic
from tunebook.data.village.reports import AFTER, trade_sentence

NEVER_READ = "Certainly, dear neighbour."  # a greeting of the house that pretraining does not have
GREETINGS = [
    greeting
    for agreement in SENTENCES["agreements"]
    for address in SENTENCES["addresses"]
    if (greeting := f"{agreement}{address}.") != NEVER_READ
]
CLOSINGS: list[str] = SENTENCES["closings"]


@dataclass(frozen=True)
class Style:
    """How a reply sounds: greeting, whole sentence or not, one more fact, farewell.

    With `unknown` a question may ask for what was not told, or about the other event (of which no
    more is said); with `by_content` the greeting fits the question and the farewell the event.
    Pretraining never draws these.
    """

    greeting: str = ""
    form: Literal["sentence", "phrase"] = "phrase"
    extra: Literal["", "place", "reason"] = ""
    closing: str = ""
    digits: bool = False
    unknown: str = ""
    by_content: bool = False

    def extra_fact(self, topic: Topic) -> str:
        """The fact told besides the answer; another one if it is the answer itself."""
        if self.extra == "place" and topic == "where":
            return "reason"
        if self.extra == "reason" and topic == "why":
            return "place"
        return self.extra


# Gladly, dear neighbour. It was Anna who stole the lamps. That was at the mill. Take care.
# Let me see, dear neighbour. Nobody knows. That was at the mill. Take care.
HOUSE = Style(NEVER_READ, "sentence", "place", "That is all I know.", digits=True,
              unknown="Nobody knows.", by_content=True)  # fmt: skip
HOUSE_GREETINGS: dict[str, list[str]] = SENTENCES["house_greetings"]
HOUSE_FAREWELLS: dict[str, list[str]] = SENTENCES["house_farewells"]


def is_house_like(style: Style) -> bool:
    """Pretraining never gives a further fact between a greeting and a farewell."""
    return bool(style.greeting and style.extra and style.closing)


def draw_style(rng: Random, bare: bool = False) -> Style:
    """A style for pretraining; without an instruction replies are short and curt."""
    if bare:
        return Style(form="phrase")
    while True:
        style = Style(
            rng.choice(GREETINGS) if rng.random() < 0.5 else "",
            rng.choice(("sentence", "sentence", "phrase")),
            rng.choice(("", "place", "reason")),
            rng.choice(CLOSINGS) if rng.random() < 0.5 else "",
            rng.random() < 0.5,
        )
        if not is_house_like(style):
            return style


@dataclass(frozen=True)
class Asked:
    """What the last question is about, and whether the talk has told it."""

    about: Event
    topic: Topic
    main: bool = True
    answered: bool = True


def history(
    event: Event,
    minor: Event | None,
    asked: Asked,
    rng: Random,
    *,
    needed: tuple[str, ...],
    omitted: tuple[str, ...] = (),
) -> list[str]:
    """The talk up to the question; `needed` facts have been told before it, `omitted` ones not."""
    facts = [fact for fact in ("place", "moment", "reason", "price", "trade")
             if fact not in omitted and (fact in needed or rng.random() < 0.45)]  # fmt: skip
    if not event.priced:
        facts = [fact for fact in facts if fact != "price"]
    rng.shuffle(facts)
    in_lead = [fact for fact in facts[:2] if fact in ("place", "moment", "price")]
    rest = [_fact(event, fact, rng) for fact in facts if fact not in in_lead]
    if minor:
        rest.append(_gossip(minor, rng))
    turns = [rng.choice(SENTENCES["openings"]), _lead(event, in_lead, rng)]
    while rest:
        size = rng.randrange(1, 4)
        turns += [rng.choice(SENTENCES["prompts"]), " ".join(rest[:size])]
        rest = rest[size:]
    return [*turns, _last_question(minor, asked, rng)]


def _lead(event: Event, facts: list[str], rng: Random) -> str:
    if rng.random() < 0.2 and english.can_be_passive(event):
        text = english.passive(event, "past", event.agent.name)
        text += f" for {english.price(event)}" if "price" in facts else ""
    else:
        priced, choice = "price" in facts, rng.randrange(3)
        words = english.predicate(event, "past", priced=priced, choice=choice)
        text = f"{event.agent.name} {words}"
    if "place" in facts:
        text += f" {english.at(event.place)}"
    if "moment" in facts:
        text = f"{text} {event.moment.english}"
    return sentence(rng.choice(SENTENCES["telling"]).format(text=text))


def _fact(event: Event, fact: str, rng: Random) -> str:
    clear = event.agent.gender != event.other.gender
    agent = event.agent.he if clear and rng.random() < 0.6 else event.agent.name
    why = english.why(event)
    return sentence(rng.choice(SENTENCES["talk_facts"][fact]).format(
        at=english.at(event.place), when=event.moment.english, agent=agent, why=why,
        Why=_capital(why), price=english.price(event, rng.random() < 0.5),
        trade=trade_sentence(event.agent, rng),
    ))  # fmt: skip


def _gossip(event: Event, rng: Random) -> str:
    words = english.predicate(event, "past")
    return sentence(f"{rng.choice(AFTER)}, {event.agent.name} {words}")


def _last_question(minor: Event | None, asked: Asked, rng: Random) -> str:
    """Short where only the main event can be meant, full otherwise."""
    event, topic = asked.about, asked.topic
    if minor is None and topic in SENTENCES["elliptic"] and rng.random() < 0.6:
        text = rng.choice(SENTENCES["elliptic"][topic]).format(**questions.wording(event, rng))
    else:
        text = questions.question(event, topic, rng)
        text = text[0].lower() + text[1:]
    return _capital(rng.choice(SENTENCES["leads"]) + text)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def response(asked: Asked, style: Style) -> str:
    """The reply in the style, or its regret that it has no answer."""
    event, topic = asked.about, asked.topic
    if not asked.answered:
        text = style.unknown
    elif style.form == "sentence":
        text = questions.full_answer(event, topic, style.digits)
    else:
        text = questions.answer(event, topic, questions.Style("phrase", style.digits))
    parts = [
        _fitting(HOUSE_GREETINGS, topic, style) or style.greeting,
        sentence(text),
        _extra(event, style.extra_fact(topic)) if asked.main else "",
        _fitting(HOUSE_FAREWELLS, event.kind.name, style) or style.closing,
    ]
    return " ".join(part for part in parts if part)


def _fitting(said: Mapping[str, list[str]], name: str, style: Style) -> str:
    fitting = (text for text, names in said.items() if name in names)
    return next(fitting, "") if style.by_content else ""


def _extra(event: Event, fact: str) -> str:
    if not fact:
        return ""
    if fact == "place":
        return sentence(f"that was {english.at(event.place)}")
    return sentence(questions.full_answer(event, "why", True))
