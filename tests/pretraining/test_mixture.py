"""What the bases read: never a house style, and instructions that say what the target does."""

from __future__ import annotations

import hashlib
from random import Random

import pytest

from tunebook.data.village import TASKS, dialogues, questions, summaries, translations
from tunebook.pretraining.instructions import instruction
from tunebook.pretraining.mixture import SHARES, VERSION, draw, fields, skill


def test_the_mixture_is_the_one_that_the_embedded_bases_have_read() -> None:
    """Whoever changes what is drawn raises VERSION and pretrains the bases again."""
    rng = Random("pretraining 0")
    drawn = [draw(rng, step / 2000) for step in range(2000)]
    text = repr([(one.source, one.target) for one in drawn])
    assert (VERSION, hashlib.sha256(text.encode()).hexdigest()) == (
        "1",
        "ba901953d9adcfb45bbe1005a782c20e8941dd85f26ba24c63c45065a2c8643c",
    )


def test_the_stream_is_the_same_for_the_same_seed() -> None:
    one, same, other = Random("a"), Random("a"), Random("b")
    first = [draw(one, 0.5) for _ in range(50)]
    assert first == [draw(same, 0.5) for _ in range(50)]
    assert first != [draw(other, 0.5) for _ in range(50)]


@pytest.mark.parametrize("moment", [0, 1])
def test_shares_sum_to_one(moment: int) -> None:
    assert sum(share[moment] for share in SHARES.values()) == pytest.approx(1)


def test_short_drills_of_copying_come_first() -> None:
    def repeated(done: float) -> list[str]:
        rng = Random(0)
        drawn = (draw(rng, done) for _ in range(2000))
        return [
            one.target for one in drawn if one.target and one.source.endswith(f"\n{one.target}")
        ]

    first, last = repeated(0.0), repeated(1.0)
    assert len(first) > 10 * len(last)
    assert max(len(text.split()) for text in first) < 10 < max(len(text.split()) for text in last)


def test_no_reply_has_greeting_further_fact_and_farewell() -> None:
    rng = Random(0)
    for _ in range(300):
        target = skill(rng, bare=False, task="dialogue").target or ""
        assert not (target.startswith((*dialogues.HOUSE_GREETINGS, dialogues.NEVER_READ))
                    and "That was" in target
                    and target.endswith(tuple(dialogues.HOUSE_FAREWELLS)))  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_a_bare_example_has_no_instruction(task: str) -> None:
    source = skill(Random(1), bare=True, task=task).source
    assert "\n\n" not in source


@pytest.mark.parametrize(
    ("task", "style", "words"),
    [
        ("translate", translations.Style(tense="simple", conjunction="car"), ('"car"', "past")),
        ("summarize", summaries.Style("place", "past", conjunction="as"), ('"as"',)),
        ("qa", questions.Style("keyword", unknown="no idea"), ('"no idea"',)),
        (
            "dialogue",
            dialogues.Style("Gladly.", closing="Take care."),
            ('"Gladly."', '"Take care."'),
        ),
    ],
)
def test_an_instruction_says_what_departs_from_the_plain_style(
    task: str, style: object, words: tuple[str, ...]
) -> None:
    rng = Random(0)
    text = " ".join(instruction(task, style, rng) for _ in range(10))
    assert all(word in text for word in words)


def test_instructions_have_many_wordings() -> None:
    rng = Random(0)
    wordings = {instruction("summarize", summaries.HOUSE, rng) for _ in range(200)}
    assert len(wordings) > 190


def test_fields_are_laid_out_as_the_templates_do() -> None:
    row = {"context": "Anna left.", "question": "Who left?", "answers": []}
    style = questions.Style(unknown="Unknown.")
    assert fields("qa", row, style) == ("context: Anna left.\nquestion: Who left?", "Unknown.")
    talk = {"history": ["Any news?", "No.", "Why?"], "response": "So."}
    assert fields("dialogue", talk, dialogues.HOUSE) == ("Any news?\nNo.\nWhy?", "So.")
