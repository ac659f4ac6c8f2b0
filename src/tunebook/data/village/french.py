"""French noun phrases and clauses: gender, number, elision, contraction, agreement."""

from __future__ import annotations

from typing import Literal

from tunebook.data.village.events import Event, Person, Thing
from tunebook.data.village.lexicon import Gender, Place, french_number, starts_vowel

Tense = Literal["composé", "simple", "présent"]


def the(noun: str, gender: Gender, plural: bool = False) -> str:
    """Definite article and noun, elided: le moulin, la gare, l'auberge, les lampes."""
    if plural:
        return f"les {noun}"
    if starts_vowel(noun):
        return f"l'{noun}"
    return f"{'le' if gender == 'm' else 'la'} {noun}"


def contracted(preposition: str, phrase: str) -> str:
    """à and de (also at the end of près de, au bord de) melt into le and les; de elides."""
    head, _, last = preposition.rpartition(" ")
    lead = f"{head} " if head else ""
    if last not in ("à", "de"):
        return f"{preposition} {phrase}"
    for article, melted in (("le ", {"à": "au", "de": "du"}), ("les ", {"à": "aux", "de": "des"})):
        if phrase.startswith(article):
            return f"{lead}{melted[last]} {phrase[len(article) :]}"
    if last == "de" and starts_vowel(phrase):
        return f"{lead}d'{phrase}"
    return f"{lead}{last} {phrase}"


def at(place: Place) -> str:
    """The place with its preposition: au moulin, à l'auberge, près du puits."""
    return contracted(place.french_at, the(place.french, place.gender))


def number(value: int, digits: bool, gender: Gender = "m") -> str:
    if digits:
        return str(value)
    return "une" if value == 1 and gender == "f" else french_number(value)


def price(event: Event, digits: bool) -> str:
    return f"{number(event.price, digits)} {event.currency[3]}"


def described(thing: Thing) -> str:
    """The noun with agreeing adjectives around it: petites lampes bleues."""
    plural = thing.count > 1
    noun = thing.noun.french_plural if plural else thing.noun.french
    words = [noun]
    if thing.size:
        words.insert(0, thing.size.french(thing.noun.gender, plural, noun))
    if thing.colour:
        words.append(thing.colour.french(thing.noun.gender, plural))
    return " ".join(words)


def a_thing(thing: Thing, digits: bool = False) -> str:
    """Indefinite: une lampe bleue, trois lampes bleues. One is always a word."""
    gender = thing.noun.gender
    return f"{number(thing.count, digits and thing.count > 1, gender)} {described(thing)}"


def owned(thing: Thing, owner: str, digits: bool = False) -> str:
    """With its owner: la lampe bleue de Paul, les trois lampes bleues d'Anna."""
    words = described(thing)
    if thing.count > 1:
        words = f"{number(thing.count, digits)} {words}"
    whose = contracted("de", owner)
    return f"{the(words, thing.noun.gender, thing.count > 1)} {whose}"


def with_trade(person: Person) -> str:
    """Name and trade together: la boulangère Anna, l'horloger Paul."""
    return f"{the(person.trade.french(person.gender), person.gender)} {person.name}"


def agree(participle: str, person: Person) -> str:
    """The participle after être agrees with a single subject."""
    return participle + ("e" if person.gender == "f" else "")


def verb(event: Event, tense: Tense) -> str:
    """The verb in the third person, with its pronoun and auxiliary where it has them."""
    kind = event.kind
    _, present, simple, participle = kind.french
    if tense == "composé":
        return _composed(event, participle)
    form = present if tense == "présent" else simple
    if kind.reflexive:
        form = f"s'{form}" if starts_vowel(form) else f"se {form}"
    return f"{form} {kind.tail}".strip()


def _composed(event: Event, participle: str) -> str:
    kind, agent = event.kind, event.agent
    if kind.reflexive:
        return f"s'est {agree(participle, agent)}"
    if kind.being:
        return f"est {agree(participle, agent)}"
    return f"a {participle} {kind.tail}".strip()


def objects(event: Event, digits: bool, other_first: bool) -> str:
    """What follows the verb, without the price: trois lampes bleues à Paul."""
    kind, thing, other = event.kind, event.thing, event.other.name
    person = contracted(kind.french_to, other) if kind.french_to else other
    if thing is None:
        return person
    if kind.role == "of":
        return owned(thing, other, digits)
    what = a_thing(thing, digits)
    return f"{person} {what}" if other_first else f"{what} {person}"


def why(event: Event, past: bool) -> str:
    """The reason as a clause: sa sœur était malade."""
    text = event.reason.imparfait if past else event.reason.present_french
    feminine = event.agent.gender == "f"
    return text.format(he="elle" if feminine else "il", e="e" if feminine else "")


def because(conjunction: str, clause: str) -> str:
    """Join a conjunction to a clause; que elides before il, elle and l' keeps its own."""
    if conjunction.endswith("que") and starts_vowel(clause):
        return f"{conjunction[:-1]}'{clause}"
    return f"{conjunction} {clause}"
