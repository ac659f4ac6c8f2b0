"""Which column each field of a task is read from, and by which function."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from tunebook.data import values
from tunebook.data.batches import has_column
from tunebook.data.conversations import Reply
from tunebook.errors import Problem, nearest
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

VERSION = 3
"""Part of the cache's key: raise it when rows are read differently."""
EXTRA_COLUMNS = ("id", "references")
"""Columns that any task may have besides its fields."""
SHOWN, MOST_COMPARED = 20, 1000
"""Columns named in a message, and those among which a misspelt one is looked for."""
TEXT, TEXTS = pa.string(), pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """How one field is read: from which column, by which function, and whether it may be empty."""

    name: str
    path: str
    read: Callable[[Any], Any]
    many: bool
    may_be_empty: bool


@dataclass(frozen=True)
class Plan:
    """How rows are read: the task's columns, and those of ids and references, if any.

    `beside`: references stand beside the rows. `talks`: the column of whole conversations, each of
    whose replies becomes a row.
    """

    columns: list[Column]
    answer: Column
    id_path: str
    reference_paths: list[str]
    beside: bool
    talks: str | None

    @staticmethod
    def of(settings: DataSettings, task: Task, *, beside: bool = False) -> Plan:
        """The plan for the columns that `settings` name, else for those named as the fields."""
        columns = columns_of(task, settings.fields)
        return Plan(
            columns,
            next(column for column in columns if column.name == task.answer),
            str(settings.fields.get("id", "id")),
            reference_paths(settings),
            beside,
            conversation_path(task, settings.fields),
        )

    @property
    def schema(self) -> pa.Schema:
        """The Arrow file's columns: a made id, the source's own id, the row number, the fields.

        Of conversations there is `talk` too: the same number for all replies of one.
        """
        fields = [("id", TEXT), ("own_id", TEXT), ("row", pa.int64())]
        fields += [("talk", pa.int64())] if self.talks else []
        fields += [(column.name, TEXTS if column.many else TEXT) for column in self.columns]
        return pa.schema(fields + ([("references", TEXTS)] if self.has_references else []))

    @property
    def has_references(self) -> bool:
        """Whether rows may have several right answers."""
        return bool(self.reference_paths) or self.beside

    def describe(self) -> str:
        """Everything that decides what is written, as text."""
        columns = [(c.name, c.path, c.read.__name__, c.may_be_empty) for c in self.columns]
        return repr((VERSION, columns, self.id_path, self.reference_paths, self.beside, self.talks))

    def references_there(self, names: Sequence[str]) -> list[str]:
        """The columns of references among `names`."""
        return [path for path in self.reference_paths if has_column(names, path)]

    def missing(self, names: Sequence[str], key: str, source: str) -> Iterator[tuple[str, Problem]]:
        """Each field whose column is not among the `names` that `source` has, with its problem.

        The answer may be missing where there are references.
        """
        answered = bool(self.references_there(names))
        for column in self.columns:
            if not has_column(names, column.path) and not (column is self.answer and answered):
                what = f"{source} has no column {column.path}; {there(names)}"
                yield column.name, Problem(key, what, _remedy(column, names))


def columns_of(task: Task, fields: Mapping[str, Any]) -> list[Column]:
    """How each field of `task` is read, given the user's mapping of fields to columns.

    Where a dialogue's history and response name the same column, that column holds whole
    conversations, and is read as a Reply a row.
    """
    talks = conversation_path(task, fields)
    return [
        Column(name, path, _reader(task, name, path == talks), known.many, known.may_be_empty)
        for name, known in task.fields.items()
        if (path := str(fields.get(name, name)))
    ]


def conversation_path(task: Task, fields: Mapping[str, Any]) -> str | None:
    """The column that holds whole conversations: the answer's and that of a field of turns."""
    answer = fields.get(task.answer, task.answer)
    turns = (name for name in task.inputs if task.fields[name].many)
    return answer if any(fields.get(name, name) == answer for name in turns) else None


def reference_paths(settings: DataSettings) -> list[str]:
    """The columns of references: none, one or several."""
    given = settings.fields.get("references") or []
    return [given] if isinstance(given, str) else given


def _reader(task: Task, name: str, in_conversation: bool) -> Callable[[Any], Any]:
    if in_conversation:
        return history_of if task.fields[name].many else response_of
    if not task.fields[name].many:
        return values.text_of
    return values.turns_of if name in task.inputs else values.texts_of


def history_of(reply: Reply) -> list[str]:
    """The turns before it."""
    return reply.history


def response_of(reply: Reply) -> str:
    """The reply itself."""
    return reply.response


def there(names: Sequence[str]) -> str:
    """`it has a, b`; of very many columns the first."""
    shown = [name if len(name) <= 60 else f"{name[:57]}..." for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"it has {', '.join(shown)}{more}" if names else "it has none"


def _remedy(column: Column, names: Sequence[str]) -> str:
    numbered = [name for name in names if re.fullmatch(re.escape(column.path) + r"_?\d+", name)]
    if len(numbered) > 1:
        return f"Set data.fields.references=[{','.join(numbered)}]."
    near = nearest(column.path, names[:MOST_COMPARED])
    guess = f"Did you mean {near}? " if near else ""
    return f"{guess}Set data.fields.{column.name}={near or 'COLUMN'}."
