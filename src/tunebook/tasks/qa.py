"""Question answering: context and question -> answer, scored as SQuAD does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Row, Task
from tunebook.typed import setting


@dataclass
class OPTIONS(TaskSettings):
    """How a question without an answer is answered."""

    no_answer: str = setting("no answer", "the answer where the context holds none")


class TASK(Task):
    """Answer a question from a context."""

    settings: OPTIONS
    fields = {
        "context": Field("text that holds the answer"),
        "question": Field("what is asked"),
        "answers": Field("every right answer; none where the context holds none", True, True),
    }
    inputs = ("context", "question")
    answer = "answers"
    long_field = "context"
    metrics = ("squad",)

    def target(self, row: Row) -> str:
        """The first right answer, or the words for none."""
        return row["answers"][0] if row["answers"] else self.settings.no_answer

    def references(self, row: Row) -> list[str]:
        """Every right answer; empty where there is none."""
        return list(row["answers"])

    def score_options(self) -> dict[str, Any]:
        """The language, and the words that stand for no answer."""
        return {**super().score_options(), "no_answer": self.settings.no_answer}
