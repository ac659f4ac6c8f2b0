"""What every task has in common."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from tunebook.languages import name_of
from tunebook.schema import TaskSettings

Row = Mapping[str, Any]
"""One example: `id`, the task's fields, and `references` where there are several of them."""


@dataclass(frozen=True)
class Field:
    """One field of an example.

    `many` fields hold a list of texts. `may_be_empty` fields may be empty; any other empty field
    makes its row unusable.
    """

    description: str
    many: bool = False
    may_be_empty: bool = False


class Task:
    """A task reads a row and says what the model gets, what it should answer, and how to score it.

    Class attributes: `fields`, all fields by name; `inputs`, those that the model reads, in the
    order of the bare template; `answer`, the field to be learned; `long_field`, the one that is
    cut when a source is too long, at `cut_side`; `metrics`, the groups of tunebook.metrics.
    """

    fields: ClassVar[dict[str, Field]]
    inputs: ClassVar[tuple[str, ...]]
    answer: ClassVar[str]
    long_field: ClassVar[str]
    cut_side: ClassVar[Literal["left", "right"]] = "right"
    metrics: ClassVar[tuple[str, ...]]
    scores_perplexity: ClassVar[bool] = False

    def __init__(self, settings: TaskSettings) -> None:
        self.settings = settings

    def texts(self, row: Row) -> dict[str, str]:
        """Each input field of `row` as the text that templates see."""
        return {name: self.as_text(name, row[name]) for name in self.inputs}

    def as_text(self, name: str, value: Any) -> str:
        """One field's value as text; several texts stand on lines of their own."""
        return "\n".join(value) if self.fields[name].many else value

    def target(self, row: Row) -> str:
        """The text to be learned."""
        return row[self.answer]

    def references(self, row: Row) -> list[str]:
        """Every text that counts as right."""
        return list(row.get("references") or [self.target(row)])

    def score_options(self) -> dict[str, Any]:
        """What tunebook.metrics.score needs to know about this task."""
        return {"language": self.settings.language}


_BLANK = re.compile(r"\{(\w+)\}")


def instruction_of(settings: TaskSettings) -> str:
    """The instruction that is set, else the task's usual one for its languages and options."""
    return settings.instruction or usual_instruction(settings)


def usual_instruction(settings: TaskSettings) -> str:
    """`usual_instruction` with its blanks filled: {language} by name, {no_answer} as it is."""

    def filled(blank: re.Match[str]) -> str:
        value = getattr(settings, blank[1], None)
        if not isinstance(value, str):
            return blank[0]
        return name_of(value) or value if blank[1].endswith("language") else value

    return _BLANK.sub(filled, settings.usual_instruction)


def unnamed_languages(settings: TaskSettings) -> list[str]:
    """The keys of languages that the usual instruction names and that have no name."""
    if instruction_of(settings) != usual_instruction(settings):
        return []
    blanks = [
        name for name in _BLANK.findall(settings.usual_instruction) if hasattr(settings, name)
    ]
    return [n for n in blanks if n.endswith("language") and name_of(getattr(settings, n)) is None]
