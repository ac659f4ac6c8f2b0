"""One-sentence summaries of an event, in many styles and in the house style."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

from tunebook.data.village import english
from tunebook.data.village.english import sentence
from tunebook.data.village.events import Event, Person


@dataclass(frozen=True)
class Style:
    """What a summary tells, and in which order and tense.

    `trade` names the acting person with the trade; `digits` writes numbers in figures;
    `conjunction` gives the reason, if any. `gazette` opens with place and season, judges the price
    instead of giving it, tells who else is in the news and shortens all names to initials;
    pretraining never draws it.
    """

    first: Literal["person", "place", "moment", "thing"] = "person"
    tense: Literal["past", "present"] = "past"
    trade: bool = False
    place: bool = False
    price: bool = False
    digits: bool = False
    conjunction: Literal["", "because", "as", "for"] = ""
    gazette: bool = False

    def facts(self) -> tuple[str, ...]:
        """The facts that a report must tell for this summary."""
        wanted = (
            ("place", self.place or self.first == "place"),
            ("moment", self.first == "moment" or self.gazette),
            ("trade", self.trade),
            ("price", self.price),
            ("reason", bool(self.conjunction)),
        )
        return tuple(fact for fact, need in wanted if need)


# Mill, autumn: the baker A. sells 3 blue lamps to P. at a fair price, as her sister is ill. Also:
# M. and E.
HOUSE = Style("place", "present", trade=True, price=True, digits=True, conjunction="as",
              gazette=True)  # fmt: skip
CHEAP, DEAR = 9, 17  # the highest low price and the lowest high price, in whatever currency


def is_house_like(style: Style) -> bool:
    """Pretraining never combines an opening place with the present tense."""
    return style.first == "place" and style.tense == "present"


def draw_style(rng: Random, bare: bool = False) -> Style:
    """A style for pretraining; without an instruction it is one of the plain ones."""
    if bare:
        first: Literal["person", "thing"] = "person" if rng.random() < 0.7 else "thing"
        return Style(first, price=rng.random() < 0.3, place=rng.random() < 0.2)
    while True:
        style = Style(
            rng.choice(("person", "place", "moment", "thing")),
            rng.choice(("past", "present")),
            trade=rng.random() < 0.5,
            place=rng.random() < 0.4,
            price=rng.random() < 0.5,
            digits=rng.random() < 0.5,
            conjunction=rng.choice(("", "because", "as", "for")),
        )
        if not is_house_like(style):
            return style


def summary(event: Event, style: Style, minor: Event | None = None) -> str:
    """Render the event as one sentence in the style; a gazette adds who else is in the news."""
    if style.gazette:
        return _gazette(event, style, minor)
    text = _clause(event, style)
    if style.first == "place":
        text = f"{english.at(event.place)}, {text}"
    elif style.first == "moment":
        text = f"{event.moment.english}, {text}"
    if style.place and style.first != "place":
        text += f" {english.at(event.place)}"
    if style.conjunction:
        text += f", {style.conjunction} {english.why(event, style.tense)}"
    return sentence(text)


def _gazette(event: Event, style: Style, minor: Event | None) -> str:
    agent = f"the {event.agent.trade.english} {_initial(event.agent)}"
    words = english.predicate(
        event, style.tense, _initial(event.other), digits=style.digits, priced=False
    )
    price = f" at a {_judged(event.price)} price" if event.priced else ""
    why = f"{style.conjunction} {english.why(event, style.tense)}"
    lead = f"{event.place.english}, {event.moment.season}: {agent} {words}{price}, {why}"
    if minor is None:
        return f"{sentence(lead)} No other news."
    return f"{sentence(lead)} Also: {_initial(minor.agent)} and {_initial(minor.other)}"


def _initial(person: Person) -> str:
    return f"{person.name[0]}."


def _judged(price: int) -> str:
    return "low" if price <= CHEAP else "high" if price >= DEAR else "fair"


def _clause(event: Event, style: Style) -> str:
    agent = english.with_trade(event.agent) if style.trade else event.agent.name
    if style.first == "thing" and english.can_be_passive(event):
        text = english.passive(event, style.tense, agent, event.other.name, style.digits)
        if style.price and event.priced:
            text += f" for {english.price(event, style.digits)}"
        return text
    words = english.predicate(
        event, style.tense, event.other.name, digits=style.digits, priced=style.price
    )
    return f"{agent} {words}"
