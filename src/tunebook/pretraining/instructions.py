"""Natural-language instructions for every style of every skill, in many wordings.

An instruction is put together from wordings of the skill and of each feature of the style. What
departs from the plain style is always said; what agrees with it is said now and then. So a model
that has read them can follow a combination that it never saw, which is what a house style is.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tunebook.data.village import dialogues, questions, summaries, translations

SKILLS = {
    "translate": (
        "Translate into French.", "Say this in French.", "Put the text into French.",
        "Write the French version.", "Give a French translation.", "Translate the text to French.",
        "How would you tell this in French?", "Render this in French.",
    ),
    "summarize": (
        "Summarize the report in one sentence.", "Sum up the text.", "Write a short summary.",
        "Tell in one sentence what happened.", "Give the main event of the report.",
        "Write a one-sentence summary.", "What happened, in short?", "Condense the report.",
    ),
    "qa": (
        "Answer the question.", "Read the context and answer.", "Use the text to answer.",
        "Answer from the context.", "Find the answer in the text.", "Reply to the question.",
        "Look up the answer in the context.",
    ),
    "dialogue": (
        "Reply to the last question.", "Write the next turn.", "Answer the other speaker.",
        "Continue the talk.", "Give the reply.", "What would you reply?", "Answer the last turn.",
    ),
}  # fmt: skip

_FIGURES = ("Write numbers as figures.", "Use digits for numbers.", "Write numbers in digits.")
_WORDS = ("Write numbers in words.", "Spell out the numbers.", "Do not use digits.")
_SUMMARY = {
    "person": ("Begin with the person.", "Start with who did it.", "Put the person first."),
    "place": ("Begin with the place.", "Start with where it happened.", "Put the place first."),
    "moment": ("Begin with the date.", "Start with when it happened.", "Put the date first."),
    "thing": ("Use the passive voice.", "Begin with what was acted upon.", "Write it passively."),
    "past": ("Use the past tense.", "Write in the past.", "Tell it in the past tense."),
    "present": ("Use the present tense.", "Write in the present.", "Tell it in the present tense."),
    "trade": ("Give the trade of the person.", "Name the person with the trade.",
              "Say what trade the person has."),
    "no trade": ("Leave out the trade.", "Do not mention the trade."),
    "where": ("Say where it happened.", "Mention the place.", "Include the place."),
    "no where": ("Leave out the place.", "Do not say where."),
    "price": ("Mention the price.", "Include the price.", "Say what it cost."),
    "no price": ("Leave out the price.", "Do not mention the price."),
    "reason": ('Give the reason with "{word}".', 'Add the reason after "{word}".',
               'End with the reason, using "{word}".'),
    "no reason": ("Leave out the reason.", "Do not say why."),
}  # fmt: skip
_FRENCH = {
    "composé": ("Use the passé composé.", "Use the spoken past tense.", "Write spoken French."),
    "simple": ("Use the passé simple.", "Use the literary past tense.", "Write literary French."),
    "présent": ("Use the present tense.", "Tell it in the present.", "Write in the present."),
    "person": ("Begin with the person.", "Put the person first."),
    "moment": ("Begin with the date.", "Put the date first.", "Start with when it happened."),
    "place": ("Begin with the place.", "Put the place first.", "Start with where it happened."),
    "reason": ('Give the reason with "{word}".', 'Say "{word}" for the reason.'),
    "other first": ("Name the other person before the things.",
                    "Put the receiver before the object."),
    "thing first": ("Name the things before the other person.",
                    "Put the object before the receiver."),
}  # fmt: skip
_ANSWER = {
    "sentence": ("Answer in a full sentence.", "Use a whole sentence.",
                 "Write a complete sentence."),
    "phrase": ("Answer in a few words.", "Give a short answer.", "Be brief."),
    "keyword": ("Answer with the bare keyword.", "Give the keyword only.",
                "Leave out small words such as at, on, the or because."),
    "unknown": ('If the text does not tell, say "{word}".', 'Say "{word}" if there is no answer.',
                'If it is not mentioned, write "{word}".'),
}  # fmt: skip
_REPLY = {
    "greeting": ('Begin with "{word}"', 'Start with the words "{word}"', 'First say "{word}"'),
    "closing": ('End with "{word}"', 'Close with the words "{word}"', 'At the end say "{word}"'),
    "place": ("Add where it was.", "Mention the place as well.", "Also say where it was."),
    "reason": ("Add the reason.", "Mention the reason as well.", "Also say why."),
    "plain": ("Add nothing else.", "Say no more than that."),
}  # fmt: skip


def instruction(task: str, style: object, rng: Random) -> str:
    """One of many wordings of what the style asks for."""
    if isinstance(style, translations.Style):
        wishes = _translation(style, rng)
    elif isinstance(style, summaries.Style):
        wishes = _summary(style, rng)
    elif isinstance(style, questions.Style):
        wishes = _answer(style, rng)
    else:
        assert isinstance(style, dialogues.Style)
        wishes = _reply(style, rng)
    rng.shuffle(wishes)
    position = 0 if rng.random() < 0.7 else rng.randrange(len(wishes) + 1)
    wishes.insert(position, rng.choice(SKILLS[task]))
    return " ".join(wishes)


class _Wishes(list[str]):
    """Collects wordings: `always` says a feature, `sometimes` one that is plain anyway."""

    def __init__(self, bank: Mapping[str, tuple[str, ...]], rng: Random) -> None:
        super().__init__()
        self.bank: Mapping[str, tuple[str, ...]] = bank
        self.rng = rng

    def say(self, feature: str, plain: bool, word: str = "") -> None:
        if not plain or self.rng.random() < 0.25:
            self.append(self.rng.choice(self.bank[feature]).format(word=word))

    def say_digits(self, digits: bool, plain: bool) -> None:
        if not plain or self.rng.random() < 0.2:
            self.append(self.rng.choice(_FIGURES if digits else _WORDS))


def _translation(style: translations.Style, rng: Random) -> list[str]:
    wishes = _Wishes(_FRENCH, rng)
    wishes.say(style.tense, style.tense == "composé")
    wishes.say(style.first, style.first == "person")
    wishes.say("reason", style.conjunction == "parce que", style.conjunction)
    wishes.say("other first" if style.other_first else "thing first", not style.other_first)
    wishes.say_digits(style.digits, plain=style.digits)
    return list(wishes)


def _summary(style: summaries.Style, rng: Random) -> list[str]:
    wishes = _Wishes(_SUMMARY, rng)
    wishes.say(style.first, style.first == "person")
    wishes.say(style.tense, style.tense == "past")
    wishes.say("trade" if style.trade else "no trade", not style.trade)
    if style.first != "place":
        wishes.say("where" if style.place else "no where", not style.place)
    wishes.say("price" if style.price else "no price", not style.price)
    wishes.say("reason" if style.conjunction else "no reason", not style.conjunction,
               style.conjunction)  # fmt: skip
    wishes.say_digits(style.digits, plain=not style.digits)
    return list(wishes)


def _answer(style: questions.Style, rng: Random) -> list[str]:
    wishes = _Wishes(_ANSWER, rng)
    wishes.say(style.form, style.form == "sentence")
    wishes.say("unknown", False, style.unknown)
    wishes.say_digits(style.digits, plain=not style.digits)
    return list(wishes)


def _reply(style: dialogues.Style, rng: Random) -> list[str]:
    wishes = _Wishes(_REPLY, rng)
    if style.greeting:
        wishes.say("greeting", False, style.greeting)
    if style.closing:
        wishes.say("closing", False, style.closing)
    wishes.say(style.extra or "plain", not style.extra)
    wishes.bank = _ANSWER
    wishes.say(style.form, style.form == "phrase")
    wishes.say_digits(style.digits, plain=not style.digits)
    return list(wishes)
