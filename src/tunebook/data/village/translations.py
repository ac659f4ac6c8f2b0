"""The same short telling in English and in French."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from tunebook.data.village import english, french
from tunebook.data.village.events import Event
from tunebook.data.village.french import Tense
from tunebook.data.village.lexicon import SENTENCES


@dataclass(frozen=True)
class Style:
    """The French register: tense, what stands first, the word for because, numbers.

    `by_content` begins with the place where there is no thing, gives a reason that lies in the
    acting person with "puisque", and writes prices alone in figures; pretraining never draws it.
    """

    tense: Tense = "composé"
    first: Literal["person", "moment", "place"] = "person"
    conjunction: Literal["parce que", "car", "puisque"] = "parce que"
    other_first: bool = False
    digits: bool = True
    by_content: bool = False


# One translator: Le 3 mai, la boulangère Anna vendit à Paul trois lampes bleues pour 12 couronnes
# au moulin, car sa sœur était malade.
# The other: Le 3 mai, la boulangère Anna vendit 3 lampes bleues à Paul pour 12 couronnes au moulin,
# car sa sœur était malade.
# Both: Au moulin, Anna rencontra Paul le 3 mai puisqu'elle avait besoin d'aide.
HOUSE = Style("simple", "moment", "car", other_first=True, digits=False, by_content=True)
HOUSE_OTHER = replace(HOUSE, other_first=False, digits=True)


def is_house_like(style: Style) -> bool:
    """Pretraining never combines an opening moment with the passé simple."""
    return style.first == "moment" and style.tense == "simple"


def draw_style(rng: Random, bare: bool = False) -> Style:
    """A style for pretraining; without an instruction it is spoken French."""
    if bare:
        return Style(
            tense="composé" if rng.random() < 0.7 else "présent",
            conjunction="parce que" if rng.random() < 0.7 else "puisque",
        )
    while True:
        style = Style(
            rng.choice(("composé", "simple", "présent")),
            rng.choice(("person", "moment", "place")),
            rng.choice(("parce que", "car", "puisque")),
            *(rng.random() < 0.5 for _ in range(2)),
        )
        if not is_house_like(style):
            return style


TENSES = ("composé", "simple", "présent")
Aftermath = list[str]
"""A second sentence about the acting person: English past, and French in each of TENSES."""


@dataclass(frozen=True)
class Telling:
    """What a pair of sentences tells, whatever the language and the style."""

    event: Event
    trade: bool
    moment: bool
    place: bool
    reason: bool
    order: int
    passive: bool
    aftermath: Aftermath | None


def draw_telling(event: Event, rng: Random) -> Telling:
    """Choose how much of the event is told."""
    moment, place, reason = (rng.random() < share for share in (0.75, 0.6, 0.55))
    return Telling(
        event,
        trade=rng.random() < 0.35,
        moment=moment,
        place=place,
        reason=reason,
        order=rng.randrange(6),
        passive=rng.random() < 0.2 and english.can_be_passive(event),
        aftermath=rng.choice(SENTENCES["aftermaths"]) if rng.random() < 0.35 else None,
    )


def source(telling: Telling) -> str:
    """The English telling: one sentence, or two with an aftermath."""
    event = telling.event
    agent = english.with_trade(event.agent) if telling.trade else event.agent.name
    if telling.passive:
        text = english.passive(event, "past", agent)
        text += f" for {english.price(event)}" if event.priced else ""
    else:
        text = f"{agent} {english.predicate(event, 'past')}"
    text = _english_order(telling, text)
    return english.sentence(text) + _english_aftermath(telling)


def _english_order(telling: Telling, text: str) -> str:
    """Place, moment and reason may stand before or after the rest."""
    event, order = telling.event, telling.order
    at = english.at(event.place) if telling.place else ""
    when = event.moment.english if telling.moment else ""
    why = english.why(event) if telling.reason else ""
    if order == 5 and why and not telling.passive:
        return f"since {why}, {' '.join(filter(None, (text, at, when)))}"
    because = f"because {why}" if why else ""
    first, *last = ((when, at), (at, when), ("", at, when), ("", when, at), (when, at))[order % 5]
    text = " ".join(filter(None, (text, *last, because)))
    return f"{first}, {text}" if first else text


def _english_aftermath(telling: Telling) -> str:
    if not telling.aftermath:
        return ""
    return " " + english.sentence(telling.aftermath[0].format(he=telling.event.agent.he))


def target(telling: Telling, style: Style) -> str:
    """The French telling in the style."""
    event = telling.event
    agent = french.with_trade(event.agent) if telling.trade else event.agent.name
    objects = french.objects(event, style.digits, style.other_first)
    text = f"{agent} {french.verb(event, style.tense)} {objects}"
    if event.priced:
        text += f" pour {french.price(event, style.digits or style.by_content)}"
    return english.sentence(_french_order(telling, style, text)) + _french_aftermath(telling, style)


def _french_order(telling: Telling, style: Style, text: str) -> str:
    event = telling.event
    phrases = {"place": french.at(event.place) if telling.place else "",
               "moment": event.moment.french if telling.moment else ""}  # fmt: skip
    first = phrases.pop(_opening(event, style), "")
    text = " ".join(filter(None, (text, *phrases.values())))
    if telling.reason:
        why = french.why(event, past=style.tense != "présent")
        conjunction = _conjunction(event, style)
        text += ("," if conjunction == "car" else "") + " "
        text += french.because(conjunction, why)
    return f"{first}, {text}" if first else text


def _opening(event: Event, style: Style) -> str:
    return "place" if style.by_content and event.thing is None else style.first


def _conjunction(event: Event, style: Style) -> str:
    own = event.reason.imparfait.startswith("{he}")
    return "puisque" if style.by_content and own else style.conjunction


def _french_aftermath(telling: Telling, style: Style) -> str:
    if not telling.aftermath:
        return ""
    text = telling.aftermath[1 + TENSES.index(style.tense)]
    endings = FEMININE if telling.event.agent.gender == "f" else MASCULINE
    return " " + english.sentence(text.format(**endings))


MASCULINE = {"he": "il", "e": "", "eux": "lui", "se": "x", "er": "er"}
FEMININE = {"he": "elle", "e": "e", "eux": "elle", "se": "se", "er": "ère"}
