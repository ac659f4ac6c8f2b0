"""What happens in the village: people, things, moments and events, drawn from a seed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, TypeVar

from tunebook.data.village import lexicon
from tunebook.data.village.lexicon import Adjective, Gender, Kind, Noun, Place, Reason, Trade

Item = TypeVar("Item")
Split = Literal["train", "validation", "test", "pretraining"]

# One name in four and one object in four is kept out of every training split.
RESERVED_NAMES = frozenset(lexicon.WOMEN[2::4] + lexicon.MEN[3::4])
RESERVED_NOUNS = frozenset(noun.english for noun in lexicon.NOUNS[1::4])
# Tenths of all possible events that belong to each split.
_SHARE: dict[Split, range] = {
    "train": range(0, 3),
    "validation": range(3, 4),
    "test": range(4, 5),
    "pretraining": range(5, 10),
}


@dataclass(frozen=True)
class Person:
    """Somebody who lives in the village."""

    name: str
    gender: Gender
    trade: Trade

    @property
    def he(self) -> str:
        return "he" if self.gender == "m" else "she"

    @property
    def his(self) -> str:
        return "his" if self.gender == "m" else "her"


@dataclass(frozen=True)
class Thing:
    """One or several objects of a kind, with at most two adjectives."""

    noun: Noun
    count: int
    size: Adjective | None
    colour: Adjective | None


@dataclass(frozen=True)
class Moment:
    """A day, told in one of several ways; both languages hold the whole phrase."""

    english: str
    french: str
    keyword: str


@dataclass(frozen=True)
class Event:
    """Something that one person did, with or to another."""

    kind: Kind
    agent: Person
    other: Person
    thing: Thing | None
    place: Place
    moment: Moment
    price: int
    currency: list[str]
    reason: Reason

    @property
    def priced(self) -> bool:
        return self.kind.priced

    @property
    def nouns(self) -> str:
        """The English name of the thing, in the right number; nothing where there is none."""
        if self.thing is None:
            return ""
        noun = self.thing.noun
        return noun.english_plural if self.thing.count > 1 else noun.english

    @property
    def is_plural(self) -> bool:
        return self.thing is not None and self.thing.count > 1


@dataclass(frozen=True)
class Vocabulary:
    """The names and objects that a split may use."""

    women: list[str]
    men: list[str]
    nouns: list[Noun]


EVERYTHING = Vocabulary(lexicon.WOMEN, lexicon.MEN, lexicon.NOUNS)
COMMON = Vocabulary(
    [name for name in lexicon.WOMEN if name not in RESERVED_NAMES],
    [name for name in lexicon.MEN if name not in RESERVED_NAMES],
    [noun for noun in lexicon.NOUNS if noun.english not in RESERVED_NOUNS],
)


def vocabulary(split: Split) -> Vocabulary:
    """The training splits know three names and objects in four; every other split knows all."""
    return COMMON if split == "train" else EVERYTHING


def belongs(event: Event, split: Split) -> bool:
    """Whether the event is the split's: a checksum of who did what, and where, decides."""
    noun = event.thing.noun if event.thing else None
    return _falls_in(split, event.kind, event.agent.name, event.other.name, noun, event.place)


def _falls_in(
    split: Split, kind: Kind, agent: str, other: str, noun: Noun | None, place: Place
) -> bool:
    key = "|".join((kind.name, agent, other, noun.english if noun else "", place.english))
    return zlib.crc32(key.encode()) % 10 in _SHARE[split]


def draw_event(rng: Random, split: Split, avoid: tuple[Person, ...] = ()) -> Event:
    """An event of the split whose two people differ from those in `avoid`."""
    words = vocabulary(split)
    taken = tuple(person.name for person in avoid)
    while True:
        kind, place = _pick(rng, lexicon.KINDS), _pick(rng, lexicon.PLACES)
        agent = _draw_name(rng, words, taken)
        other = _draw_name(rng, words, (*taken, agent[0]))
        noun = _draw_noun(rng, words, kind.categories) if kind.categories else None
        if _falls_in(split, kind, agent[0], other[0], noun, place):
            break
    agent_trade, other_trade = rng.sample(lexicon.TRADES, 2)
    return Event(
        kind=kind,
        agent=Person(*agent, agent_trade),
        other=Person(*other, other_trade),
        thing=_draw_thing(rng, noun) if noun else None,
        place=place,
        moment=draw_moment(rng),
        price=_pick(rng, lexicon.WORDS["prices"]),
        currency=_pick(rng, lexicon.WORDS["currencies"]),
        reason=_draw_reason(rng),
    )


def draw_person(rng: Random, words: Vocabulary, taken: tuple[str, ...] = ()) -> Person:
    """A person whose name is not taken."""
    name, gender = _draw_name(rng, words, taken)
    return Person(name, gender, _pick(rng, lexicon.TRADES))


def _pick(rng: Random, items: Sequence[Item]) -> Item:
    """Like rng.choice, at a third of its cost."""
    return items[int(rng.random() * len(items))]


def _draw_name(rng: Random, words: Vocabulary, taken: tuple[str, ...]) -> tuple[str, Gender]:
    while True:
        chance = rng.random() * 2
        people = words.women if chance < 1 else words.men
        name = people[int(chance % 1 * len(people))]
        if name not in taken:
            return name, "f" if chance < 1 else "m"


def _draw_noun(rng: Random, words: Vocabulary, categories: Sequence[str]) -> Noun:
    while True:
        noun = _pick(rng, words.nouns)
        if noun.category in categories:
            return noun


def _draw_reason(rng: Random) -> Reason:
    """Family reasons are many: half of the draws go to the others."""
    words = lexicon.WORDS
    if rng.random() < 0.4:
        return rng.choice(lexicon.REASONS)
    if rng.random() < 0.5:
        return lexicon.REASONS[rng.randrange(len(words["goals"]) + len(words["states"]))]
    return rng.choice(lexicon.REASONS[-len(words["circumstances"]) :])


def _draw_thing(rng: Random, noun: Noun) -> Thing:
    """Objects of a kind: one in three single, half with a colour."""
    count = 1 if rng.random() < 0.35 else rng.randrange(2, 13)
    size = rng.choice(lexicon.SIZES) if rng.random() < 0.4 else None
    if noun.category == "goods":
        return Thing(noun, count, lexicon.SIZES[rng.randrange(2)] if size else None, None)
    colours = lexicon.ANIMAL_COLOURS if noun.category == "animal" else lexicon.COLOURS
    return Thing(noun, count, size, rng.choice(colours) if rng.random() < 0.55 else None)


def draw_moment(rng: Random) -> Moment:
    """A day in one of several forms."""
    words, parts = lexicon.WORDS, {"day": str(rng.randrange(1, 29))}
    parts["month"], parts["mois"] = rng.choice(words["months"])
    parts["weekday"], parts["jour"] = rng.choice(words["weekdays"])
    parts["part"], parts["le_matin"], parts["un_matin"] = rng.choice(words["day_parts"])
    parts["season"], parts["de_saison"] = rng.choice(words["seasons"])
    parts["date"] = "{day} {month}".format(**parts)
    parts["quantieme"] = f"{'1er' if parts['day'] == '1' else parts['day']} {parts['mois']}"
    parts["de_mois"] = ("d'" if lexicon.starts_vowel(parts["mois"]) else "de ") + parts["mois"]
    forms = words["moments"][rng.randrange(len(words["moments"]))]
    return Moment(*(form.format(**parts) for form in forms))
