"""The tasks: which fields an example has, how it becomes text, how it is scored.

One module a kind of task, each with `OPTIONS` (its settings) and `TASK` (its behaviour).
"""

from __future__ import annotations

from tunebook.errors import Problem, RequestError
from tunebook.plugins import file_of, find, in_words, names, place_of
from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Row, Task, instruction_of, usual_instruction

__all__ = [
    "Field", "Row", "Task", "instruction_of", "kinds", "options_of", "task_of", "usual_instruction",
]  # fmt: skip


NEEDED = ("OPTIONS", "TASK")


def kinds() -> list[str]:
    """Every kind of task that has a module here."""
    return names(__name__)


def options_of(kind: str) -> type[TaskSettings]:
    """The settings class of a kind of task. Raises KeyError for an unknown kind."""
    return find(__name__, kind, NEEDED).OPTIONS


def task_of(settings: TaskSettings) -> Task:
    """The task that `settings` describe."""
    return find(__name__, settings.kind, NEEDED).TASK(settings)


def check(task: Task, row: Row) -> None:
    """Raise RequestError, naming file and line, where `task` makes no texts of an example."""
    kinds = {"texts": dict, "target": str, "references": list}
    where = str(file_of(__name__, task.settings.kind))
    for name, kind in kinds.items():
        try:
            made = getattr(task, name)(row)
        except RequestError:
            raise
        except Exception as error:
            raise RequestError(Problem(place_of(error) or where, in_words(error))) from error
        parts = made.values() if isinstance(made, dict) else made
        if not isinstance(made, kind) or not all(isinstance(part, str) for part in parts):
            what = f"{name} gives {made!r:.80}, not {TEXTS[kind]}"
            raise RequestError(Problem(where, what))


TEXTS = {dict: "a text for each field", str: "a text", list: "a list of texts"}
