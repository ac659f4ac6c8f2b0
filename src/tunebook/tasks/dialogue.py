"""Dialogue: the turns so far -> the next turn."""

from __future__ import annotations

from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Task

OPTIONS = TaskSettings


class TASK(Task):
    """Give the next turn of a dialogue. Old turns are cut first, so cuts are on the left."""

    fields = {
        "history": Field("the turns so far, oldest first", many=True),
        "response": Field("the next turn"),
    }
    inputs = ("history",)
    answer = "response"
    long_field = "history"
    cut_side = "left"
    metrics = ("bleu", "chrf", "token_f1", "distinct")
    scores_perplexity = True
