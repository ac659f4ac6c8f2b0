"""The tasks: which fields an example has, how it becomes text, how it is scored.

One module a kind of task, each with `OPTIONS` (its settings) and `TASK` (its behaviour).
"""

from __future__ import annotations

from tunebook.plugins import find, names
from tunebook.settings.schema import TaskSettings
from tunebook.tasks.task import Field, Row, Task, instruction_of, usual_instruction

__all__ = [
    "Field", "Row", "Task", "instruction_of", "kinds", "options_of", "task_of", "usual_instruction",
]  # fmt: skip


def kinds() -> list[str]:
    """Every kind of task that has a module here."""
    return names(__name__, without=("task",))


def options_of(kind: str) -> type[TaskSettings]:
    """The settings class of a kind of task. Raises KeyError for an unknown kind."""
    return find(__name__, kind).OPTIONS


def task_of(settings: TaskSettings) -> Task:
    """The task that `settings` describe."""
    return find(__name__, settings.kind).TASK(settings)
