"""English reports: one event told over several sentences, among other people's doings."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tunebook.data.village import english
from tunebook.data.village.english import sentence
from tunebook.data.village.events import Event, Person
from tunebook.data.village.lexicon import SENTENCES, english_number

FACTS: dict[str, list[str]] = SENTENCES["facts"]
AFTER: list[str] = SENTENCES["after"]
# Facts that a report may tell apart from its lead, and the ones that a summary needs.
LOOSE = ("place", "moment", "reason", "price", "trade", "count")


@dataclass(frozen=True)
class Report:
    """The text, and which facts of the main and of the minor event it tells."""

    text: str
    told: frozenset[str]
    minor_told: frozenset[str]


def tell(
    event: Event,
    rng: Random,
    *,
    needed: tuple[str, ...] = (),
    omitted: tuple[str, ...] = (),
    minor: Event | None = None,
    bystander: Person | None = None,
    length: int = 4,
    closed: bool = True,
) -> Report:
    """Tell the event in at least `length` sentences (background fills up).

    `needed` facts are always told and `omitted` ones never; chance decides on the rest. `closed`
    puts the second comma behind "by Rose, a miller,"; the embedded bases have read it without.
    """
    told = [fact for fact in LOOSE if _is_told(event, fact, rng, needed, omitted)]
    in_lead = _facts_in_lead(event, told, rng)
    loose = [fact for fact in told if fact not in in_lead]
    rng.shuffle(loose)
    body = [_lead(event, in_lead, "count" in loose, rng, closed)]
    body[0] += "".join(" " + _detail(event, fact, rng) for fact in loose if fact == "count")
    body += [_detail(event, fact, rng) for fact in loose if fact != "count"]
    minor_told: frozenset[str] = frozenset()
    for _ in range(length - len(body) - (minor is not None) - (bystander is not None)):
        _fill(body, rng)
    if bystander:
        trade = english.trade_of(bystander)
        body.append(rng.choice(SENTENCES["absent"]).format(name=bystander.name, a_trade=trade))
    if minor:
        first = rng.random() < 0.5
        sentence_of_minor, minor_told = _minor(minor, first, rng)
        body.insert(0 if first else len(body), sentence_of_minor)
    return Report(" ".join(body), frozenset(told), minor_told)


def _is_told(
    event: Event, fact: str, rng: Random, needed: tuple[str, ...], omitted: tuple[str, ...]
) -> bool:
    if fact == "price" and not event.priced:
        return False
    if fact == "count" and (event.thing is None or event.thing.count == 1):
        return False
    if fact in omitted:
        return False
    return fact in needed or fact == "count" or rng.random() < 0.6


def _facts_in_lead(event: Event, told: list[str], rng: Random) -> set[str]:
    """At most two of the loose facts stand in the lead; the count usually does."""
    candidates = [fact for fact in told if fact not in ("count", "reason")]
    chosen = set(rng.sample(candidates, min(len(candidates), rng.randrange(3))))
    if "count" in told and rng.random() < 0.75:
        chosen.add("count")
    if "reason" in told and rng.random() < 0.25:
        chosen.add("reason")
    return chosen


def _lead(event: Event, facts: set[str], some: bool, rng: Random, closed: bool) -> str:
    """The sentence that says who did what; `some` hides the count."""
    agent = event.agent.name
    if "trade" in facts:
        agent = rng.choice((
            f"{agent}, {english.trade_of(event.agent)},",
            f"{agent} the {event.agent.trade.english}",
            english.with_trade(event.agent),
        ))  # fmt: skip
    core = _core(event, agent, rng, priced="price" in facts, closed=closed)
    if some and event.thing:
        core = _hide_count(core, event)
    return sentence(_place_and_moment(event, core, facts, rng).rstrip(","))


def _core(event: Event, agent: str, rng: Random, *, priced: bool, closed: bool) -> str:
    chance = rng.random()
    if chance < 0.2 and english.can_be_passive(event):
        agent = agent if closed else agent.rstrip(",")
        text = english.passive(event, "past", agent)
        return text + (f" for {english.price(event)}" if priced else "")
    words = english.predicate(event, "past", priced=priced, choice=rng.randrange(3))
    if chance < 0.3:
        return f"it was {agent} who {words}"
    return f"{agent} {words}"


def _hide_count(text: str, event: Event) -> str:
    assert event.thing is not None
    counted = english_number(event.thing.count) + " "
    replacement = "" if event.kind.role == "of" else "some "
    head, found, tail = text.partition(counted + english.described(event.thing))
    return head + replacement + found[len(counted) :] + tail if found else text


def _place_and_moment(event: Event, core: str, facts: set[str], rng: Random) -> str:
    at, when = english.at(event.place), event.moment.english
    reason = f" because {english.why(event)}" if "reason" in facts else ""
    if "place" in facts and "moment" in facts:
        forms = (f"{when}, {core} {at}{reason}", f"{at}, {core} {when}{reason}",
                 f"{core} {at} {when}{reason}")  # fmt: skip
        return rng.choice(forms)
    if "place" in facts or "moment" in facts:
        extra = at if "place" in facts else when
        return rng.choice((f"{extra}, {core}{reason}", f"{core} {extra}{reason}"))
    return core + reason


def _detail(event: Event, fact: str, rng: Random) -> str:
    if fact == "trade":
        return sentence(trade_sentence(event.agent, rng))
    person = _person(event, fact, rng)
    text = rng.choice(FACTS[fact])
    return sentence(text.format(
        person=person,
        at=english.at(event.place),
        when=event.moment.english,
        why=english.why(event),
        price=english.price(event, rng.random() < 0.6) if fact == "price" else "",
        count=english_number(event.thing.count) if event.thing else "",
    ))  # fmt: skip


def _person(event: Event, fact: str, rng: Random) -> str:
    """Who had a reason, or who paid: by a pronoun now and then where that is clear."""
    is_receiver = fact == "price" and event.kind.name not in ("purchase", "order")
    person = event.other if is_receiver else event.agent
    share = {"reason": 0.6, "price": 0.5}.get(fact)
    clear = event.agent.gender != event.other.gender
    return person.he if share and clear and rng.random() < share else person.name


def trade_sentence(person: Person, rng: Random) -> str:
    """Say what a person does for a living, in one of several ways."""
    trade, a_trade = person.trade.english, english.trade_of(person)
    text = rng.choice(FACTS["trade"])
    return text.format(name=person.name, trade=trade, a_trade=a_trade, his=person.his)


def _minor(event: Event, first: bool, rng: Random) -> tuple[str, frozenset[str]]:
    """Another event in one sentence, marked as standing beside the main one.

    It stands first or last, so that "it" and "she" stay clear in the sentences of the main event.
    """
    before = first or rng.random() < 0.4
    marker = rng.choice(SENTENCES["before"] if before else AFTER)
    tense, had = ("participle", "had ") if before else ("past", "")
    core = f"{event.agent.name} {had}{english.predicate(event, tense)}"
    told = {"count"} | ({"price"} if event.priced else set())
    if rng.random() < 0.5:
        core += f" {english.at(event.place)}"
        told.add("place")
    if rng.random() < 0.25:
        core += f" because {english.why(event)}"
        told.add("reason")
    return sentence(f"{marker}, {core}"), frozenset(told)


def _fill(body: list[str], rng: Random) -> None:
    """Add a background sentence that is not there yet, anywhere."""
    text = rng.choice(SENTENCES["background"])
    if text not in body:
        body.insert(rng.randrange(len(body) + 1), text)
    else:
        _fill(body, rng)
