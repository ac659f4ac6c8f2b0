"""The same text for several runs, as the fields that each one's task reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tunebook.errors import Problem, RequestError
from tunebook.predicting.fields import flag, reads, row_from, row_of_line
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.outputs import one_line
from tunebook.predicting.predictor import Prediction
from tunebook.tasks import Task

Row = dict[str, Any]
Runs = Mapping[str, FinishedRun]


def rows_by_run(runs: Runs, text: str | None, given: Mapping[str, Sequence[str]]) -> dict[str, Row]:
    """A row for each run from what is typed: `text`, and of the fields `given` those it reads.

    Raises RequestError where a run lacks a field, or no run has one that is given.
    """
    problems = [*_foreign(runs, given)]

    def row_for(task: Task) -> Row:
        return row_from(task, text, {k: v for k, v in given.items() if k in task.inputs})

    return _each(runs, row_for, problems)


def rows_of_line(runs: Runs, line: str) -> dict[str, Row]:
    """A row for each run from one line. Raises RequestError where a task reads several fields."""
    return _each(runs, lambda task: row_of_line(task, line), [])


def one_cell(prediction: Prediction) -> str:
    """A prediction without line ends and tabs; empty where there is none."""
    return one_line(prediction).replace("\t", " ")


def _each(runs: Runs, row_for: Callable[[Task], Row], problems: list[Problem]) -> dict[str, Row]:
    rows = {}
    for label, run in runs.items():
        try:
            rows[label] = row_for(run.task)
        except RequestError as error:
            problems += [replace(p, where=f"{label}: {p.where}") for p in error.problems]
    if problems:
        raise RequestError(problems)
    return rows


def _foreign(runs: Runs, given: Mapping[str, Any]) -> Iterator[Problem]:
    tasks = [run.task for run in runs.values()]
    for name in given:
        if not any(name in task.inputs for task in tasks):
            all_read = "; ".join(dict.fromkeys(map(reads, tasks)))
            yield Problem(flag(name), "no run reads such a field", f"{all_read}.")
