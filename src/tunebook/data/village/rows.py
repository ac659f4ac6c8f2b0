"""The rows of the four tasks, drawn from a seed, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tunebook.data.village import dialogues, questions, reports, summaries, translations
from tunebook.data.village.dialogues import Asked
from tunebook.data.village.events import Event, Split, draw_event, draw_person, vocabulary
from tunebook.data.village.questions import FACTS, Topic

VERSION = "2"
DEFAULT_ROWS = {"train": 4000, "validation": 400, "test": 400}
TASKS = ("translate", "summarize", "qa", "dialogue")

Row = dict[str, Any]
Style = translations.Style | summaries.Style | questions.Style | dialogues.Style


def rows(task: str, split: str, count: int, seed: int = 0) -> list[Row]:
    """The first `count` rows of a task's split, in the house style.

    The same seed gives the same rows on every platform, and a larger count the same rows first.
    Raises ValueError for an unknown task or split, or a negative count.
    """
    if task not in TASKS:
        raise ValueError(f"village has no task {task!r}; it has {', '.join(TASKS)}")
    if split not in DEFAULT_ROWS:
        raise ValueError(f"village has no split {split!r}; it has {', '.join(DEFAULT_ROWS)}")
    if count < 0:
        raise ValueError(f"count is {count}; give 0 or more")
    rng = Random(f"village {VERSION} {task} {split} {seed}")
    name: Split = "train" if split == "train" else "test" if split == "test" else "validation"
    return [{"id": f"{task}-{split}-{index}", **MAKERS[task](rng, name)} for index in range(count)]


def translate(rng: Random, split: Split, style: translations.Style = translations.HOUSE) -> Row:
    """An English telling and its French one, in the house by one of two translators."""
    if style is translations.HOUSE and rng.random() < 0.5:
        style = translations.HOUSE_OTHER
    telling = translations.draw_telling(draw_event(rng, split), rng)
    return {
        "source": translations.source(telling),
        "target": translations.target(telling, style),
    }


def summarize(rng: Random, split: Split, style: summaries.Style = summaries.HOUSE) -> Row:
    """A report of four to nine sentences and its summary, in the house by one of two writers."""
    if style is summaries.HOUSE and rng.random() < 0.5:
        style = summaries.HOUSE_OTHER
    event = draw_event(rng, split)
    minor = _another(event, rng, split) if rng.random() < 0.6 else None
    taken = tuple(person.name for person in _people(event, minor))
    bystander = draw_person(rng, vocabulary(split), taken) if rng.random() < 0.3 else None
    report = reports.tell(
        event,
        rng,
        needed=style.facts(),
        minor=minor,
        bystander=bystander,
        length=rng.randrange(4, 7),
        closed=split != "pretraining",
    )
    return {"document": report.text, "summary": summaries.summary(event, style)}


def qa(rng: Random, split: Split, style: questions.Style = questions.HOUSE) -> Row:
    """A report, a question and its answer; one question in six has none."""
    event = draw_event(rng, split)
    minor = _another(event, rng, split) if rng.random() < 0.6 else None
    topic = rng.choice(questions.topics(event))
    answered = topic not in FACTS or rng.random() < 0.7
    fact = FACTS.get(topic, "")
    report = reports.tell(
        event,
        rng,
        needed=(fact,) if answered and fact else (),
        omitted=() if answered else (fact,),
        minor=minor,
        length=rng.randrange(3, 6),
        closed=split != "pretraining",
    )
    about: Event = event
    if minor and rng.random() < 0.25:
        about, topic, answered = _about_minor(minor, report.minor_told, rng)
    question = questions.question(about, topic, rng)
    return {
        "context": report.text,
        "question": question if split == "pretraining" else questions.smooth(question),
        "answers": [questions.answer(about, topic, style)] if answered else [],
    }


def _about_minor(minor: Event, told: frozenset[str], rng: Random) -> tuple[Event, Topic, bool]:
    topic = rng.choice(questions.topics(minor))
    return minor, topic, topic not in FACTS or FACTS[topic] in told


def dialogue(rng: Random, split: Split, style: dialogues.Style = dialogues.HOUSE) -> Row:
    """A talk that ends in a question, and the reply."""
    event = draw_event(rng, split)
    minor = _another(event, rng, split) if rng.random() < (0.7 if style.unknown else 0.4) else None
    asked = _asked(event, minor, style, rng)
    fact, extra = FACTS.get(asked.topic, ""), style.extra_fact(asked.topic)
    needed: tuple[str, ...] = (extra,)
    omitted: tuple[str, ...] = ()
    if not asked.main:
        needed = ()
    elif asked.answered:
        needed = (fact, extra)
    else:
        omitted = (fact,)
    history = dialogues.history(event, minor, asked, rng, needed=needed, omitted=omitted)
    if split != "pretraining":
        history[-1] = questions.smooth(history[-1])
    return {
        "history": history,
        "response": dialogues.response(asked, style),
    }


def _asked(event: Event, minor: Event | None, style: dialogues.Style, rng: Random) -> Asked:
    """A question about the event; where the style can say that it does not know, any question."""
    if not style.unknown:
        return Asked(event, rng.choice(questions.topics(event)))
    if minor and rng.random() < 0.4:
        told = rng.random() < 0.65
        topics = [topic for topic in questions.topics(minor)
                  if told == (FACTS.get(topic, "price") == "price")]  # fmt: skip
        return Asked(minor, rng.choice(topics), main=False, answered=told)
    topic = rng.choice(questions.topics(event))
    return Asked(event, topic, answered=topic not in FACTS or rng.random() < 0.65)


def _another(event: Event, rng: Random, split: Split) -> Event:
    """An event among other people, of another trade and another kind."""
    trades = {event.agent.trade, event.other.trade}
    while True:
        other = draw_event(rng, split, (event.agent, event.other))
        apart = other.kind != event.kind and other.place != event.place
        apart = apart and other.reason != event.reason
        if apart and other.agent.trade not in trades and _noun(other) != _noun(event):
            return other


def _noun(event: Event) -> str:
    return event.thing.noun.english if event.thing else ""


def _people(event: Event, minor: Event | None) -> tuple[Any, ...]:
    return (event.agent, event.other) + ((minor.agent, minor.other) if minor else ())


MAKERS: dict[str, Callable[..., Row]] = {
    "translate": translate,
    "summarize": summarize,
    "qa": qa,
    "dialogue": dialogue,
}
