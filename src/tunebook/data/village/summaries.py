"""One-sentence summaries of an event, in many styles and in the house style."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tunebook.data.village import english
from tunebook.data.village.english import sentence
from tunebook.data.village.events import Event


@dataclass(frozen=True)
class Style:
    """What a summary tells, and in which order and tense.

    `trade` names the acting person with the trade; `digits` writes numbers in figures;
    `conjunction` gives the reason, if any. `by_content` begins with the thing where there is one
    and with the place elsewhere, and writes prices alone in figures; pretraining never draws it.
    """

    first: Literal["person", "place", "moment", "thing"] = "person"
    tense: Literal["past", "present"] = "past"
    trade: bool = False
    place: bool = False
    price: bool = False
    digits: bool = False
    conjunction: Literal["", "because", "as", "for"] = ""
    by_content: bool = False

    def facts(self) -> tuple[str, ...]:
        """The facts that a report must tell for this summary."""
        wanted = (
            ("place", self.place or self.first == "place"),
            ("moment", self.first == "moment"),
            ("trade", self.trade),
            ("price", self.price),
            ("reason", bool(self.conjunction)),
        )
        return tuple(fact for fact, need in wanted if need)


# One writer: Three blue lamps are sold to Paul by the baker Anna for 12 crowns at the mill, as her
# sister is ill. At the mill, the baker Anna visits Paul, as her sister is ill.
# The other: Three blue lamps are sold to Paul by Anna at the mill, because her sister is ill. At
# the mill, Anna visits Paul, because her sister is ill.
HOUSE = Style("place", "present", trade=True, place=True, price=True, conjunction="as",
              by_content=True)  # fmt: skip
HOUSE_OTHER = replace(HOUSE, trade=False, price=False, conjunction="because")


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


def summary(event: Event, style: Style) -> str:
    """Render the event as one sentence in the style."""
    if style.by_content:
        style = replace(style, first="thing" if event.thing else "place")
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


def _clause(event: Event, style: Style) -> str:
    agent = english.with_trade(event.agent) if style.trade else event.agent.name
    if style.first == "thing" and english.can_be_passive(event):
        text = english.passive(event, style.tense, agent, style.digits)
        if style.price and event.priced:
            text += f" for {english.price(event, style.digits or style.by_content)}"
        return text
    words = english.predicate(event, style.tense, digits=style.digits, priced=style.price)
    return f"{agent} {words}"
