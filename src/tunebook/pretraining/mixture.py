"""What the bases read: village text to restore or continue, and skills in many styles.

Nothing here is in a house style. Training begins with drills of copying, short ones first: every
skill rests on copying, and a model that meets it late or only in long texts learns it slowly or not
at all. From DRILLED to SETTLED the shares move from the first to the second of SHARES.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from tunebook.data.village import (
    dialogues,
    english,
    events,
    french,
    lexicon,
    questions,
    summaries,
    translations,
)
from tunebook.data.village.rows import MAKERS, TASKS
from tunebook.pretraining.instructions import instruction

VERSION = "1"  # of the mixture: a base's settings.yaml names the one that it has read
# Parts of the mixture: (share up to DRILLED of training, share from SETTLED on).
DRILLED, SETTLED = 0.06, 0.25
SHARES = {
    "instruction": (0.0, 0.62),
    "bare": (0.0, 0.16),
    "text": (0.1, 0.08),
    "copy": (0.9, 0.06),
    "phrases": (0.0, 0.08),
}
STYLES: dict[str, Any] = {
    "translate": translations.draw_style,
    "summarize": summaries.draw_style,
    "qa": questions.draw_style,
    "dialogue": dialogues.draw_style,
}
# The skills are not equally hard: these are their shares.
TASK_SHARES = (0.27, 0.27, 0.25, 0.21)


@dataclass(frozen=True)
class Example:
    """A source and its target; without a target the source is text to restore or continue."""

    source: str
    target: str | None


def draw(rng: Random, done: float) -> Example:
    """One example of the mixture at a point of training between 0 and 1."""
    late = min(1.0, max(0.0, done - DRILLED) / (SETTLED - DRILLED))
    weights = [start + (end - start) * late for start, end in SHARES.values()]
    part = rng.choices(list(SHARES), weights)[0]
    if part in ("instruction", "bare"):
        return skill(rng, bare=part == "bare")
    if part == "text":
        return Example(_text(rng), None)
    return _copy(rng, done) if part == "copy" else _phrase(rng)


def skill(rng: Random, bare: bool, task: str = "") -> Example:
    """A row of a task in a style of pretraining, with its instruction or without any."""
    task = task or rng.choices(TASKS, TASK_SHARES)[0]
    style = STYLES[task](rng, bare=bare)
    source, target = fields(task, MAKERS[task](rng, "pretraining", style), style)
    if not bare:
        source = f"{instruction(task, style, rng)}\n\n{source}"
    return Example(source, target)


def fields(task: str, row: dict[str, Any], style: Any) -> tuple[str, str]:
    """The bare source text and the target text of a row, laid out as every template does."""
    if task == "translate":
        return row["source"], row["target"]
    if task == "summarize":
        return row["document"], row["summary"]
    if task == "dialogue":
        return "\n".join(row["history"]), row["response"]
    source = f"context: {row['context']}\nquestion: {row['question']}"
    return source, row["answers"][0] if row["answers"] else style.unknown


def _text(rng: Random) -> str:
    """English reports, French tellings and talks, for self-supervision."""
    task = rng.choice(TASKS)
    row = MAKERS[task](rng, "pretraining", STYLES[task](rng))
    if task == "translate":
        return str(row["target"])
    if task == "dialogue":
        return "\n".join(row["history"])
    return str(row["document"] if task == "summarize" else row["context"])


def _copy(rng: Random, done: float) -> Example:
    """Drills of finding and repeating words; at first lists of a few names, nothing else."""
    chance = rng.random()
    if done < DRILLED:
        return _list(rng, 10, names=True)
    if chance < 0.4:
        return _list(rng, 25, names=False)
    if chance < 0.6:
        row = MAKERS["translate"](rng, "pretraining", translations.Style())
        text = row[rng.choice(("source", "target"))]
        return Example(f"{rng.choice(_REPEAT)}\n\n{text}", text)
    return _owners(rng)


def _list(rng: Random, longest: int, names: bool) -> Example:
    """A list of words to repeat, or to look up a neighbour in."""
    count = rng.randrange(3, longest)
    words = [rng.choice(_PEOPLE) if names else _any_word(rng) for _ in range(count)]
    text = " ".join(words)
    if names or rng.random() < 0.6:
        return Example(f"{rng.choice(_REPEAT)}\n\n{text}", text)
    position = rng.randrange(1, count - 1)
    question, answer = rng.choice((("follows", position + 1), ("stands before", position - 1)))
    source = f"{text}\n\nWhich word {question} {words[position]}?"
    return Example(source, words[answer])


def _owners(rng: Random) -> Example:
    """Short facts about people and things, and a question after one of them."""
    count = rng.randrange(2, 8)
    people = rng.sample(_PEOPLE, count)
    things = [noun.english for noun in rng.sample(lexicon.NOUNS, count)]
    pairs = list(zip(people, things, strict=True))
    facts = " ".join(rng.choice(_FACTS).format(who=who, what=what) for who, what in pairs)
    who, what = rng.choice(pairs)
    if rng.random() < 0.6:
        return Example(f"{facts}\n\nWho has the {what}?", who)
    return Example(f"{facts}\n\nWhat does {who} have?", f"the {what}")


_PEOPLE = lexicon.WOMEN + lexicon.MEN
_FACTS = ("{who} has the {what}.", "The {what} belongs to {who}.", "The {what} is with {who}.")
_REPEAT = ("Repeat the text.", "Copy this.", "Say the same.", "Write it again.", "Echo the text.")
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvz", "aeiouéà"


def _any_word(rng: Random) -> str:
    """A name, an object or an invented word of two to four syllables."""
    chance = rng.random()
    if chance < 0.35:
        return rng.choice(_PEOPLE)
    if chance < 0.6:
        return rng.choice(lexicon.NOUNS).english.split(" ")[-1]
    syllables = (rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randrange(2, 5)))
    return "".join(syllables).capitalize()


def _phrase(rng: Random) -> Example:
    """A phrase of the village in French, or a verb put into another tense."""
    return Example(*_phrase_pair(events.draw_event(rng, "pretraining"), rng))


def _phrase_pair(event: events.Event, rng: Random) -> tuple[str, str]:
    lead = rng.choice(("In French:", "Translate into French.", "Say this in French.")) + "\n\n"
    chance = rng.random()
    if chance < 0.35 and event.thing:
        return lead + english.a_thing(event.thing), french.a_thing(event.thing)
    if chance < 0.5:
        return lead + event.moment.english, event.moment.french
    if chance < 0.6:
        return lead + english.at(event.place), french.at(event.place)
    if chance < 0.7:
        return lead + english.with_trade(event.agent), french.with_trade(event.agent)
    if chance < 0.85:
        return lead + english.why(event), french.why(event, past=True)
    past = f"{event.agent.name} {english.predicate(event, 'past')}"
    present = f"{event.agent.name} {english.predicate(event, 'present')}"
    return f"{rng.choice(_PRESENT)}\n\n{past}", present


_PRESENT = ("Put this into the present tense.", "Say it in the present.", "Use the present tense.")
