"""Two neighbours talk: one tells an event bit by bit, the other asks about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from tunebook.data.village import english, questions
from tunebook.data.village.english import sentence
from tunebook.data.village.events import Event
from tunebook.data.village.questions import Topic
from tunebook.data.village.reports import AFTER, trade_sentence

OPENINGS = (
    "Any news?", "What is new in the village?", "Good morning. What happened?",
    "Have I missed anything?", "Hello! What is everybody talking about?", "So, what happened?",
    "You look excited. What is it?", "Good evening. Is there any news?", "Tell me the news.",
    "I was away. What did I miss?",
)  # fmt: skip
TELLING = (
    "{text}", "You will not believe it: {text}", "Well, {text}", "They say that {text}",
    "Listen: {text}", "I heard that {text}", "Just this: {text}", "Yes, {text}",
)  # fmt: skip
PROMPTS = (
    "Really? Tell me more.", "Is that so?", "What else do you know?", "Go on.", "How strange!",
    "Who told you that?", "Are you sure?", "I did not know that.", "How interesting. And then?",
    "Well, well.", "What a story!", "Do tell.",
)  # fmt: skip
LEADS = ("", "", "", "And ", "Remind me: ", "One more question: ", "I forgot: ", "Tell me, ",
         "Sorry, ", "But ")  # fmt: skip
ELLIPTIC: dict[Topic, tuple[str, ...]] = {
    "where": ("where was that?", "where did it happen?", "at what place was it?"),
    "when": ("when was that?", "when did it happen?", "on what day was it?"),
    "why": ("why?", "why was that?", "for what reason?", "what was the reason?"),
    "price": ("what was the price?", "how much was it?", "at what price?"),
    "count": ("how many were there?", "how many {nouns} was it?"),
    "who": ("who was it that {past}?", "who did that?"),
}
NEVER_READ = "Certainly, dear neighbour."  # a greeting of the house that pretraining does not have
GREETINGS = tuple(
    f"{agreement}{address}."
    for agreement in ("Of course", "Sure", "Gladly", "Indeed", "Naturally", "Certainly", "Yes",
                      "Very well", "With pleasure", "Absolutely", "Let me see", "Good question")
    for address in ("", "", ", my friend", ", dear colleague", ", dear neighbour", ", good sir",
                    ", madam", ", my dear")
    if f"{agreement}{address}." != NEVER_READ
)  # fmt: skip
CLOSINGS = (
    *("Goodbye now.", "See you soon.", "That is all I know.", "Ask me again any time.",
      "You are welcome.", "I hope this helps.", "Take care.", "I am glad to be of service."),
    *(f"{wish} a {kind} {time}." for wish in ("Have", "I wish you")
      for kind in ("good", "pleasant", "quiet", "happy") for time in ("day", "evening", "week")),
    *(f"I remain {how}." for how in ("yours", "at your disposal", "your friend", "grateful")),
)  # fmt: skip


@dataclass(frozen=True)
class Style:
    """How a reply sounds: greeting, whole sentence or not, one more fact, farewell.

    With `unknown` a question may ask for what was not told, or about the other event (of which no
    more is said); with `by_content` the greeting fits the question and the farewell the event.
    Pretraining never draws these.
    """

    greeting: str = ""
    form: Literal["sentence", "phrase"] = "phrase"
    extra: Literal["", "place", "reason"] = ""
    closing: str = ""
    digits: bool = False
    unknown: str = ""
    by_content: bool = False

    def extra_fact(self, topic: Topic) -> str:
        """The fact told besides the answer; another one if it is the answer itself."""
        if self.extra == "place" and topic == "where":
            return "reason"
        if self.extra == "reason" and topic == "why":
            return "place"
        return self.extra


# Gladly, dear neighbour. It was Anna who stole the lamps. That was at the mill. Take care.
# Let me see, dear neighbour. Nobody knows. That was at the mill. Take care.
HOUSE = Style(NEVER_READ, "sentence", "place", "That is all I know.", digits=True,
              unknown="Nobody knows.", by_content=True)  # fmt: skip
# The house's greetings by what is asked; before all others it takes the style's own.
HOUSE_GREETINGS = {
    "Gladly, dear neighbour.": ("who", "other"),
    "Good question, dear neighbour.": ("why",),
    "Let me see, dear neighbour.": ("where", "when", "price", "trade"),
}
# The house's farewells by the kind of event; after all others it takes the style's own.
HOUSE_FAREWELLS = {
    "I wish you a good day.": (
        "delivery", "loan", "gift", "return", "bringing", "repair", "making", "sewing",
        "preparation", "cleaning", "rescue", "care", "help", "thanks", "watch",
    ),
    "Take care.": ("theft", "loss", "accident", "hiding", "quarrel"),
    "Goodbye now.": ("sale", "purchase", "rental", "order", "borrowing"),
    "Have a pleasant evening.": (
        "visit", "meeting", "invitation", "congratulation", "peace", "song", "dance", "arrival",
        "stay", "walk",
    ),
}  # fmt: skip


def is_house_like(style: Style) -> bool:
    """Pretraining never gives a further fact between a greeting and a farewell."""
    return bool(style.greeting and style.extra and style.closing)


def draw_style(rng: Random, bare: bool = False) -> Style:
    """A style for pretraining; without an instruction replies are short and curt."""
    if bare:
        return Style(form="phrase")
    while True:
        style = Style(
            rng.choice(GREETINGS) if rng.random() < 0.5 else "",
            rng.choice(("sentence", "sentence", "phrase")),
            rng.choice(("", "place", "reason")),
            rng.choice(CLOSINGS) if rng.random() < 0.5 else "",
            rng.random() < 0.5,
        )
        if not is_house_like(style):
            return style


@dataclass(frozen=True)
class Asked:
    """What the last question is about, and whether the talk has told it."""

    about: Event
    topic: Topic
    main: bool = True
    answered: bool = True


def history(
    event: Event,
    minor: Event | None,
    asked: Asked,
    rng: Random,
    *,
    needed: tuple[str, ...],
    omitted: tuple[str, ...] = (),
) -> list[str]:
    """The talk up to the question; `needed` facts have been told before it, `omitted` ones not."""
    facts = [fact for fact in ("place", "moment", "reason", "price", "trade")
             if fact not in omitted and (fact in needed or rng.random() < 0.45)]  # fmt: skip
    if not event.priced:
        facts = [fact for fact in facts if fact != "price"]
    rng.shuffle(facts)
    in_lead = [fact for fact in facts[:2] if fact in ("place", "moment", "price")]
    rest = [_fact(event, fact, rng) for fact in facts if fact not in in_lead]
    if minor:
        rest.append(_gossip(minor, rng))
    turns = [rng.choice(OPENINGS), _lead(event, in_lead, rng)]
    while rest:
        size = rng.randrange(1, 4)
        turns += [rng.choice(PROMPTS), " ".join(rest[:size])]
        rest = rest[size:]
    return [*turns, _last_question(minor, asked, rng)]


def _lead(event: Event, facts: list[str], rng: Random) -> str:
    if rng.random() < 0.2 and english.can_be_passive(event):
        text = english.passive(event, "past", event.agent.name, event.other.name)
        text += f" for {english.price(event)}" if "price" in facts else ""
    else:
        words = english.predicate(
            event, "past", event.other.name, priced="price" in facts, choice=rng.randrange(3)
        )
        text = f"{event.agent.name} {words}"
    if "place" in facts:
        text += f" {english.at(event.place)}"
    if "moment" in facts:
        text = f"{text} {event.moment.english}"
    return sentence(rng.choice(TELLING).format(text=text))


def _fact(event: Event, fact: str, rng: Random) -> str:
    clear = event.agent.gender != event.other.gender
    agent = event.agent.he if clear and rng.random() < 0.6 else event.agent.name
    forms = {
        "place": ("It was {at}.", "It happened {at}.", "I saw it myself {at}."),
        "moment": ("It was {when}.", "It happened {when}.", "That was {when}."),
        "reason": ("{agent} did it because {why}.", "You know, {why}.", "The reason? {Why}.",
                   "It seems that {why}.", "It was because {why}."),
        "price": ("The price was {price}.", "For {price}!", "It came to {price}."),
        "trade": ("{trade}",),
    }  # fmt: skip
    why = english.why(event)
    return sentence(rng.choice(forms[fact]).format(
        at=english.at(event.place), when=event.moment.english, agent=agent, why=why,
        Why=why[0].upper() + why[1:], price=english.price(event, rng.random() < 0.5),
        trade=trade_sentence(event.agent, rng),
    ))  # fmt: skip


def _gossip(event: Event, rng: Random) -> str:
    words = english.predicate(event, "past", event.other.name)
    return sentence(f"{rng.choice(AFTER)}, {event.agent.name} {words}")


def _last_question(minor: Event | None, asked: Asked, rng: Random) -> str:
    """Short where only the main event can be meant, full otherwise."""
    event, topic = asked.about, asked.topic
    if minor is None and topic in ELLIPTIC and rng.random() < 0.6:
        text = rng.choice(ELLIPTIC[topic]).format(**questions.wording(event, rng))
    else:
        text = questions.question(event, topic, rng)
        text = text[0].lower() + text[1:]
    return _capital(rng.choice(LEADS) + text)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def response(asked: Asked, style: Style) -> str:
    """The reply in the style, or its regret that it has no answer."""
    event, topic = asked.about, asked.topic
    if not asked.answered:
        text = style.unknown
    elif style.form == "sentence":
        text = questions.full_answer(event, topic, style.digits)
    else:
        text = questions.answer(event, topic, questions.Style("phrase", style.digits))
    parts = [
        _fitting(HOUSE_GREETINGS, topic, style) or style.greeting,
        sentence(text),
        _extra(event, style.extra_fact(topic)) if asked.main else "",
        _fitting(HOUSE_FAREWELLS, event.kind.name, style) or style.closing,
    ]
    return " ".join(part for part in parts if part)


def _fitting(said: Mapping[str, tuple[str, ...]], name: str, style: Style) -> str:
    fitting = (text for text, names in said.items() if name in names)
    return next(fitting, "") if style.by_content else ""


def _extra(event: Event, fact: str) -> str:
    if not fact:
        return ""
    if fact == "place":
        return sentence(f"that was {english.at(event.place)}")
    return sentence(questions.full_answer(event, "why", True))
