"""Translation: source -> target, scored with BLEU and chrF."""

from __future__ import annotations

from dataclasses import dataclass

from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Task
from tunebook.typed import setting


@dataclass
class OPTIONS(TaskSettings):
    """A translation's direction; `language` is the target's."""

    source_language: str = setting("en", "language of the source text")


class TASK(Task):
    """Translate a text."""

    fields = {"source": Field("text to translate"), "target": Field("its translation")}
    inputs = ("source",)
    answer = "target"
    long_field = "source"
    metrics = ("bleu", "chrf")
