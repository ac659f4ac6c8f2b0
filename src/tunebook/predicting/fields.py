"""The fields that tasks read, from whatever a person or a file gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from tunebook.data import values
from tunebook.data.conversations import read_conversation
from tunebook.data.values import whole
from tunebook.errors import Problem, RequestError, either
from tunebook.tasks import Row, Task

Read = Callable[[Any], Any]


class HasTask(Protocol):
    """A finished run, of which no more than its task is asked."""

    @property
    def task(self) -> Task:
        """What it was trained to do."""
        ...


def reader_of(task: Task, name: str) -> Read:
    """What turns a raw value into the field `name`, as it is done for training data."""
    return values.turns_of if task.fields[name].many else values.text_of


def turns_to_answer(conversation: Any) -> list[str]:
    """All turns of a conversation, without its last one where an assistant has it already."""
    conversation = values.listed(conversation)
    if isinstance(conversation, str):
        return values.turns_of(conversation)
    return read_conversation(conversation).to_answer()


def read_rows(
    task: Task, rows: Sequence[Row], numbers: Sequence[int] | None = None
) -> list[dict[str, Any]]:
    """The input fields of each row; other keys are passed over.

    Raises RequestError with every row that lacks a field or holds something else than text, each
    by its number: one of `numbers`, or counted from 1.
    """
    problems: list[Problem] = []
    numbered = zip(numbers or range(1, len(rows) + 1), rows, strict=True)
    read = [_read_row(task, row, f"row {number}", problems) for number, row in numbered]
    if problems:
        raise RequestError(problems)
    return read


def _read_row(task: Task, row: Row, where: str, problems: list[Problem]) -> dict[str, Any]:
    read = {}
    for name in task.inputs:
        if name not in row:
            problems.append(Problem(where, f"lacks {name}", f"{reads(task)}."))
            continue
        try:
            read[name] = whole(reader_of(task, name)(row[name]))
        except values.WrongType as error:
            problems.append(Problem(f"{where}, {name}", str(error)))
    return read


def empty_fields(task: Task, row: Row) -> list[str]:
    """The fields without which this row cannot be answered."""
    return [name for name in task.inputs if not row[name] and not task.fields[name].may_be_empty]


def reads(task: Task) -> str:
    """One sentence on what the task reads.

    >>> reads(qa)
    'qa reads context and question'
    """
    return f"{task.settings.name} reads {either(task.inputs, 'and')}"


def usage(task: Task) -> str:
    """What the task reads, and the flags that give it; --text stands for an only one."""
    flags = either(map(flag, task.inputs), "and")
    return f"{reads(task)}: give {flags if len(task.inputs) > 1 else f'--text or {flags}'}"


def flag(name: str) -> str:
    """The flag of a field."""
    return f"--{name.replace('_', '-')}"


def rows_by_run(
    runs: Mapping[str, HasTask], text: str | None, given: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, Any]]:
    """A row for each run from what is typed: `text`, and of the fields `given` those it reads.

    Raises RequestError where a run lacks a field, or no run has one that is given.
    """
    tasks = [run.task for run in runs.values()]
    if len(tasks) == 1:
        return {label: row_from(run.task, text, given) for label, run in runs.items()}
    all_read = "; ".join(dict.fromkeys(map(reads, tasks)))
    unread = [name for name in given if not any(name in task.inputs for task in tasks)]
    problems = [Problem(flag(one), "no run reads such a field", f"{all_read}.") for one in unread]

    def row_for(task: Task) -> dict[str, Any]:
        return row_from(task, text, {k: v for k, v in given.items() if k in task.inputs})

    return _for_each(runs, row_for, problems)


def rows_of_line(runs: Mapping[str, HasTask], line: str) -> dict[str, dict[str, Any]]:
    """A row for each run from one line. Raises RequestError where a task reads several fields."""
    return _for_each(runs, lambda task: row_of_line(task, line), [])


def _for_each(
    runs: Mapping[str, HasTask], row_for: Callable[[Task], dict[str, Any]], problems: list[Problem]
) -> dict[str, dict[str, Any]]:
    rows = {}
    for label, run in runs.items():
        try:
            rows[label] = row_for(run.task)
        except RequestError as error:
            name = f"{label}: " if len(runs) > 1 else ""
            problems += [replace(p, where=name + p.where) for p in error.problems]
    if problems:
        raise RequestError(problems)
    return rows


def row_from(task: Task, text: str | None, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """One row from texts typed by hand: `text`, and those `given` for each field.

    `text` stands for the task's only input; where that holds several texts it comes last.
    Raises RequestError that names the task's fields where one is wrong or missing.
    """
    problems = [*_unknown(task, given)]
    texts = {name: list(given.get(name, [])) for name in task.inputs}
    if text is not None:
        problems += _ambiguous(task, "--text")
        texts[task.inputs[-1]].append(text)
    problems = problems or [*_wrong(task, texts)]
    if problems:
        raise RequestError(problems)
    return {name: found if task.fields[name].many else found[0] for name, found in texts.items()}


def row_of_line(task: Task, line: str) -> dict[str, Any]:
    """One row from one line, which is the task's only input. Raises RequestError for more."""
    if problems := [*_ambiguous(task, "a line")]:
        raise RequestError(problems)
    (only,) = task.inputs
    return {only: [line] if task.fields[only].many else line}


def _unknown(task: Task, given: Mapping[str, Any]) -> Iterator[Problem]:
    for name in given:
        if name not in task.inputs:
            what = f"{task.settings.name} has no such field"
            yield Problem(flag(name), what, f"{usage(task)}.")


def _ambiguous(task: Task, where: str) -> Iterator[Problem]:
    if len(task.inputs) > 1:
        yield Problem(where, "could mean several fields", f"{usage(task)}.")


def _wrong(task: Task, texts: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    if names := [flag(name) for name, found in texts.items() if not found]:
        yield Problem(either(names, "and"), "not given", f"{usage(task)}.")
    for name, found in texts.items():
        if len(found) > 1 and not task.fields[name].many:
            what = f"given {len(found)} times, but it is one text"
            yield Problem(flag(name), what, "Several examples go into --input FILE.")
    for name, found in texts.items():
        if found and not task.fields[name].may_be_empty and not "".join(found).strip():
            yield Problem(flag(name), "is empty", f"{usage(task)}.")
