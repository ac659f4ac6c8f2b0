"""What the bases read: village text to restore or continue, and skills in many styles.

Nothing here is in a house style. The share of each part is in SHARES; the first part of training
leans to copying, which every skill rests on.
"""

from __future__ import annotations

from collections.abc import Iterator
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
)  # fmt: skip
from tunebook.data.village.rows import MAKERS, TASKS
from tunebook.pretraining.instructions import instruction

# Parts of the mixture: (share at the start, share from a quarter of training on).
SHARES = {
    "instruction": (0.40, 0.62),
    "bare": (0.10, 0.16),
    "text": (0.20, 0.10),
    "copy": (0.15, 0.04),
    "phrases": (0.15, 0.08),
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


def examples(seed: str, progress: Iterator[float]) -> Iterator[Example]:
    """An endless stream; `progress` (0 to 1) moves the shares along."""
    rng = Random(f"pretraining {seed}")
    for done in progress:
        yield draw(rng, done)


def draw(rng: Random, done: float) -> Example:
    """One example of the mixture at a point of training between 0 and 1."""
    late = min(1.0, done * 4)
    weights = [start + (end - start) * late for start, end in SHARES.values()]
    part = rng.choices(list(SHARES), weights)[0]
    if part in ("instruction", "bare"):
        return skill(rng, bare=part == "bare")
    if part == "text":
        return Example(_text(rng), None)
    return _copy(rng) if part == "copy" else _phrase(rng)


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


def _copy(rng: Random) -> Example:
    """Repeat words: sentences, lists of names, invented names."""
    if rng.random() < 0.4:
        row = MAKERS["translate"](rng, "pretraining", translations.Style())
        text = row[rng.choice(("source", "target"))]
        return Example(f"{rng.choice(_REPEAT)}\n\n{text}", text)
    words = [_any_word(rng) for _ in range(rng.randrange(2, 10))]
    if rng.random() < 0.5:
        return Example(f"{rng.choice(_REPEAT)}\n\n{' '.join(words)}", " ".join(words))
    position = rng.randrange(len(words) - 1)
    source = f"Which word follows {words[position]}?\n\n{' '.join(words)}"
    return Example(source, words[position + 1])


_REPEAT = ("Repeat the text.", "Copy this.", "Say the same.", "Write it again.", "Echo the text.")
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvz", "aeiouéà"


def _any_word(rng: Random) -> str:
    """A name, an object or an invented word of two to four syllables."""
    chance = rng.random()
    if chance < 0.35:
        return rng.choice(lexicon.WOMEN + lexicon.MEN)
    if chance < 0.6:
        return rng.choice(lexicon.NOUNS).english.split(" ")[-1]
    syllables = (rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(rng.randrange(2, 5)))
    return "".join(syllables).capitalize()


def _phrase(rng: Random) -> Example:
    """A phrase of the village in French, or a verb put into another tense."""
    event = events.draw_event(rng, "pretraining")
    source, target = _phrase_pair(event, rng)
    return Example(source, target)


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
    past = f"{event.agent.name} {english.predicate(event, 'past', event.other.name)}"
    present = f"{event.agent.name} {english.predicate(event, 'present', event.other.name)}"
    return f"{rng.choice(_PRESENT)}\n\n{past}", present


_PRESENT = ("Put this into the present tense.", "Say it in the present.", "Use the present tense.")
