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
    if thing.count > 1:
        return f"{number(thing.count, digits)} {words}"
    return f"{'an' if words[0] in VOWELS else 'a'} {words}"


def owned(thing: Thing, owner: str, digits: bool = False) -> str:
    """With its owner: Paul's blue lamp, Paul's three blue lamps."""
    words = described(thing)
    own = possessive(owner)
    return f"{own} {words}" if thing.count == 1 else f"{own} {number(thing.count, digits)} {words}"


def possessive(name: str) -> str:
    return f"{name}'s"


def trade_of(person: Person) -> str:
    """The trade with its indefinite article: a baker, an innkeeper."""
    trade = person.trade.english
    return f"{'an' if trade[0] in VOWELS else 'a'} {trade}"


def at(place: Place) -> str:
    return f"{place.english_at} the {place.english}"


def verb(event: Event, tense: str, choice: int = 0) -> str:
    """The verb in "present", "past", "participle" or "infinitive".

    A `choice` above 0 takes a synonym; synonyms exist in the past only.
    """
    if choice and tense == "past" and event.kind.synonyms:
        return event.kind.synonyms[(choice - 1) % len(event.kind.synonyms)]
    forms = dict(
        zip(("infinitive", "present", "past", "participle"), event.kind.english, strict=True)
    )
    return forms[tense]


def objects(event: Event, other: str, digits: bool = False) -> str:
    """What follows the verb, without the price: three blue lamps to Paul."""
    kind, thing = event.kind, event.thing
    if thing is None:
        return f"{kind.english_to} {other}".strip()
    if kind.role == "of":
        return owned(thing, other, digits)
    return f"{a_thing(thing, digits)} {kind.english_to} {other}"


def predicate(
    event: Event,
    tense: str,
    other: str,
    *,
    digits: bool = False,
    priced: bool = True,
    choice: int = 0,
) -> str:
    """Verb, objects and price: sold three blue lamps to Paul for 12 crowns."""
    words = f"{verb(event, tense, choice)} {objects(event, other, digits)}"
    if priced and event.priced:
        words += f" for {price(event, digits)}"
    return words


def passive(event: Event, tense: str, agent: str, other: str, digits: bool = False) -> str:
    """The clause turned round, if it can be: Three lamps were sold to Paul by Anna."""
    be = _be(event, tense)
    participle, kind, thing = event.kind.english[3], event.kind, event.thing
    if thing is None:
        return f"{other} {'was' if tense == 'past' else 'is'} {participle} by {agent}"
    if kind.role == "of":
        return f"{owned(thing, other, digits)} {be} {participle} by {agent}"
    return f"{a_thing(thing, digits)} {be} {participle} {kind.english_to} {other} by {agent}"


def can_be_passive(event: Event) -> bool:
    """Things can be acted upon; people only by verbs that need no preposition."""
    return event.thing is not None or not event.kind.english_to


def _be(event: Event, tense: str) -> str:
    several = event.thing is not None and event.thing.count > 1
    if tense == "past":
        return "were" if several else "was"
    return "are" if several else "is"


def why(event: Event, tense: str = "past") -> str:
    """The reason as a clause: her sister was ill."""
    text = event.reason.past if tense == "past" else event.reason.present
    return text.format(he=event.agent.he, his=event.agent.his)


def with_trade(person: Person) -> str:
    """Name and trade together: the baker Anna."""
    return f"the {person.trade.english} {person.name}"
