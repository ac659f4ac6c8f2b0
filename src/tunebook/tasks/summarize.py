"""Summarisation: document -> summary, scored with ROUGE."""

from __future__ import annotations

from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Task

OPTIONS = TaskSettings


class TASK(Task):
    """Say a document's point in few words."""

    fields = {"document": Field("text to summarise"), "summary": Field("its summary")}
    inputs = ("document",)
    answer = "summary"
    long_field = "document"
    metrics = ("rouge",)
