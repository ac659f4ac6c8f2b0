"""English noun phrases and clauses."""

from __future__ import annotations

from tunebook.data.village.events import Event, Person, Thing
from tunebook.data.village.lexicon import Place, english_number

VOWELS = "aeiou"


def sentence(text: str) -> str:
    """Capitalise the first letter and end with a full stop, if no other mark ends it."""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."


def number(value: int, digits: bool) -> str:
    return str(value) if digits else english_number(value)


def price(event: Event, digits: bool = True) -> str:
    """The price with its currency, as in 12 crowns."""
    return f"{number(event.price, digits)} {event.currency[1]}"


def described(thing: Thing) -> str:
    """The noun with its adjectives, in the right number, without article."""
    noun = thing.noun.english if thing.count == 1 else thing.noun.english_plural
    words = [adjective.english for adjective in (thing.size, thing.colour) if adjective]
    return " ".join([*words, noun])


def a_thing(thing: Thing, digits: bool = False) -> str:
    """Indefinite: a blue lamp, three blue lamps."""
    words = described(thing)
    return f"{number(thing.count, digits)} {words}" if thing.count > 1 else with_article(words)


def with_article(words: str) -> str:
    """Indefinite: a baker, an innkeeper."""
    return f"{'an' if words[0] in VOWELS else 'a'} {words}"


def owned(thing: Thing, owner: str, digits: bool = False) -> str:
    """With its owner: Paul's blue lamp, Paul's three blue lamps."""
    count = f"{number(thing.count, digits)} " if thing.count > 1 else ""
    return f"{owner}'s {count}{described(thing)}"


def trade_of(person: Person) -> str:
    """The trade with its indefinite article: a baker, an innkeeper."""
    return with_article(person.trade.english)


def at(place: Place) -> str:
    return f"{place.english_at} the {place.english}"


TENSES = ("infinitive", "present", "past", "participle")


def verb(event: Event, tense: str, choice: int = 0) -> str:
    """The verb in one of TENSES.

    A `choice` above 0 takes a synonym; synonyms exist in the past only.
    """
    if choice and tense == "past" and event.kind.synonyms:
        return event.kind.synonyms[(choice - 1) % len(event.kind.synonyms)]
    return event.kind.english[TENSES.index(tense)]


def objects(event: Event, digits: bool = False) -> str:
    """What follows the verb, without the price: three blue lamps to Paul."""
    kind, thing, other = event.kind, event.thing, event.other.name
    if thing is None:
        return f"{kind.english_to} {other}".strip()
    if kind.role == "of":
        return owned(thing, other, digits)
    return f"{a_thing(thing, digits)} {kind.english_to} {other}"


def predicate(
    event: Event, tense: str, *, digits: bool = False, priced: bool = True, choice: int = 0
) -> str:
    """Verb, objects and price: sold three blue lamps to Paul for 12 crowns."""
    words = f"{verb(event, tense, choice)} {objects(event, digits)}"
    if priced and event.priced:
        words += f" for {price(event, digits)}"
    return words


def passive(event: Event, tense: str, agent: str, digits: bool = False) -> str:
    """The clause turned round, if it can be: three lamps were sold to Paul by Anna."""
    kind, thing, other = event.kind, event.thing, event.other.name
    if thing is None:
        subject, to = other, ""
    elif kind.role == "of":
        subject, to = owned(thing, other, digits), ""
    else:
        subject, to = a_thing(thing, digits), f" {kind.english_to} {other}"
    return f"{subject} {be(event, tense)} {verb(event, 'participle')}{to} by {agent}"


def can_be_passive(event: Event) -> bool:
    """Things can be acted upon; people only by verbs that need no preposition."""
    return event.thing is not None or not event.kind.english_to


def be(event: Event, tense: str = "past") -> str:
    """The verb to be in the number of the thing."""
    if tense == "past":
        return "were" if event.is_plural else "was"
    return "are" if event.is_plural else "is"


def why(event: Event, tense: str = "past") -> str:
    """The reason as a clause: her sister was ill."""
    text = event.reason.past if tense == "past" else event.reason.present
    return text.format(he=event.agent.he, his=event.agent.his)


def with_trade(person: Person) -> str:
    """Name and trade together: the baker Anna."""
    return f"the {person.trade.english} {person.name}"
