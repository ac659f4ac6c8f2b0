"""The words of the village, in English and in French: what words.yaml and sentences.yaml hold.

A French noun carries its gender, an adjective its four forms, a verb the forms that the grammar
modules need. Tables keep the order of their file, so that every row drawn from a seed is the same
on every platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunebook.documents import read_yaml

Gender = Literal["m", "f"]
HERE = Path(__file__).parent
WORDS: dict[str, Any] = read_yaml(HERE / "words.yaml")
SENTENCES: dict[str, Any] = read_yaml(HERE / "sentences.yaml")


@dataclass(frozen=True)
class Trade:
    """What a person does for a living."""

    english: str
    masculine: str
    feminine: str

    def french(self, gender: Gender) -> str:
        return self.masculine if gender == "m" else self.feminine


@dataclass(frozen=True)
class Place:
    """A place: English preposition and noun, French preposition, noun and gender."""

    english_at: str
    english: str
    french_at: str
    french: str
    gender: Gender


@dataclass(frozen=True)
class Noun:
    """A kind of object: what can be sold, lost, painted and so on."""

    category: str
    english: str
    english_plural: str
    french: str
    french_plural: str
    gender: Gender


@dataclass(frozen=True)
class Adjective:
    """English form; French masculine, feminine and their plurals; of some, one before a vowel."""

    english: str
    masculine: str
    feminine: str
    masculines: str
    feminines: str
    masculine_before_vowel: str = ""

    def french(self, gender: Gender, plural: bool, following: str = "") -> str:
        """Agree; `following` is the next word, for vieil and bel."""
        if plural:
            return self.masculines if gender == "m" else self.feminines
        if gender == "f":
            return self.feminine
        before_vowel = starts_vowel(following) and self.masculine_before_vowel
        return before_vowel or self.masculine


def starts_vowel(word: str) -> bool:
    """Whether French elides before the word (h counts as mute: the village has no other)."""
    return word[:1].lower() in "aeiouhyâàéèêëîïôûœ"


@dataclass(frozen=True)
class Kind:
    """A kind of event; words.yaml says what its fields are."""

    name: str
    role: Literal["to", "of", "with"]
    english: list[str]
    french: list[str]
    english_to: str = ""
    french_to: str = ""
    synonyms: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    priced: bool = False
    being: bool = False
    reflexive: bool = False
    tail: str = ""

    @property
    def infinitive(self) -> str:
        return self.english[0]

    @property
    def past(self) -> str:
        return self.english[2]


@dataclass(frozen=True)
class Reason:
    """Why something happened, as a clause in two tenses and two languages.

    "{he}" and "{his}" stand for the acting person; French "{e}" is the feminine ending.
    """

    past: str
    present: str
    imparfait: str
    present_french: str


def _reasons() -> list[Reason]:
    goals = [
        (f"wanted to {english}", f"wants to {english}", f"voulait {french}", f"veut {french}")
        for english, french in WORDS["goals"]
    ]
    own = [Reason(*("{he} " + form for form in state)) for state in (*goals, *WORDS["states"])]
    family = [
        Reason(
            *(f"{{his}} {person} {state}" for state in states[:2]),
            *(f"{proche} {state}" for state in states[2:]),
        )
        for person, proche in WORDS["relatives"]
        for states in WORDS["family_states"]
    ]
    return [*own, *family, *(Reason(*clauses) for clauses in WORDS["circumstances"])]


WOMEN: list[str] = WORDS["women"].split()
MEN: list[str] = WORDS["men"].split()
TRADES = [Trade(*words) for words in WORDS["trades"]]
PLACES = [Place(*words) for words in WORDS["places"]]
NOUNS = [Noun(category, *words) for category, nouns in WORDS["nouns"].items() for words in nouns]
COLOURS = [Adjective(*words) for words in WORDS["colours"]]
ANIMAL_COLOURS = [colour for colour in COLOURS if colour.english in WORDS["animal_colours"]]
SIZES = [Adjective(*words) for words in WORDS["sizes"]]
KINDS = [Kind(**words) for words in WORDS["kinds"]]
REASONS = _reasons()
_NUMBERS = {number: (english, french) for number, english, french in WORDS["numbers"]}


def english_number(number: int) -> str:
    """The number in English words (0 to 20, and the tens to 60)."""
    return _NUMBERS[number][0]


def french_number(number: int) -> str:
    """The number in French words (0 to 20, and the tens to 60), masculine."""
    return _NUMBERS[number][1]
