"""Runs to tables: what can be compared stands together, with a verdict beside each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.comparison.columns import in_order, order_of
from tunebook.comparison.grouping import Conditions, apart, choose, differences, rows_of
from tunebook.comparison.judging import judge
from tunebook.comparison.run import Run
from tunebook.comparison.significance import FEWEST_EXAMPLES, Sample, interval, samples
from tunebook.comparison.table import Row, Table
from tunebook.metrics import catalogue
from tunebook.metrics.bootstrap import Matrix

ZERO_SHOT, INSTRUCTION = "zero_shot", "instruction"


def tables(runs: Sequence[Run], group_by: str | None = None) -> list[Table]:
    """A table a task, or several where runs cannot be compared (`Table.apart` says why).

    Args:
        runs: as `load` gives them, complete or not.
        group_by: the full key of a setting, which becomes a column of its own; runs that differ in
            it are different rows, ordered by its value, even where it would keep them apart.
    """
    found: list[Table] = []
    for task in sorted({run.task for run in runs}):
        groups = apart([run for run in runs if run.task == task], group_by)
        because = differences([known for known, _ in groups])
        for (conditions, some), why in zip(groups, because, strict=True):
            found.append(_table(some, conditions, why, group_by))
    return found


def sort(tables: Sequence[Table], column: str) -> None:
    """Order the rows of each table by a column or the key of a setting, the better end first."""
    for table in tables:
        table.rows = in_order(table.rows, column, higher_is_better=table.higher_is_better)


def _table(
    runs: Sequence[Run], conditions: Conditions, why: Mapping[str, str], group_by: str | None
) -> Table:
    rows, notes = rows_of(runs, group_by)
    first = next((run for run in runs if run.complete), runs[0])
    headline = _headline(first)
    table = Table(
        task=first.task,
        data=str(first.settings.get("data.name", "unknown")),
        headline=headline,
        higher_is_better=_higher_is_better(headline),
        examples=first.examples.count if first.examples else None,
        rows=rows,
        conditions=conditions,
        apart=why,
        notes=notes,
        group_by=group_by,
    )
    table.notes += choose(table.complete)
    _score(table)
    _add_gains(table)
    table.rows.sort(key=lambda row: _place(row, table))
    table.notes += _on_versions(table)
    return table


def _headline(run: Run) -> str:
    if run.complete:
        return str(run.metrics["headline"]["name"])
    return str(run.settings.get("task.headline", "score"))


def _higher_is_better(headline: str) -> bool:
    try:
        return catalogue.higher_is_better(headline)
    except ValueError:
        return True


def _score(table: Table) -> None:
    """Scores, intervals and verdicts, and the notes on them."""
    rows = table.scored
    known = [some for some in map(_statistics, rows) if some is not None]
    found = samples(table.headline, known) if len(known) == len(rows) else []
    for i, row in enumerate(rows):
        row.score = sum(run.score for run in row.runs) / len(row.runs)
        if found and (table.examples or 0) >= FEWEST_EXAMPLES:
            _describe(row, found[i])
    table.notes += judge(table, rows, found)


def _statistics(row: Row) -> list[Matrix] | None:
    """Of each run; None for a metric that resampling says nothing about."""
    found = [run.examples.statistics if run.examples else None for run in row.runs]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None


def _describe(row: Row, sample: Sample) -> None:
    row.sd = sample.sd
    own = row.first.interval if row.has_one_seed or not row.first.trains else None
    row.low, row.high = own or interval(sample)


def _add_gains(table: Table) -> None:
    for row in table.scored:
        # A run with the bare template holds the untouched model's score itself.
        before = row.mean_of("before", table.headline) if row.first.is_bare else None
        row.gain = _gain(row, table, ZERO_SHOT, before)
        instructed = row.mean_of("instruction", table.headline)
        row.over_instruction = _gain(row, table, INSTRUCTION, instructed)


def _gain(row: Row, table: Table, method: str, in_run: float | None) -> float | None:
    """The row's score less that of an untrained `method`, from its row or as the runs hold it."""
    base = {_base(other): other.score for other in table.scored if other.method == method}
    start = base.get(_base(row), in_run)
    if row.method == method or start is None or row.score is None:
        return None
    return row.score - start


def _base(row: Row) -> tuple[Any, ...]:
    settings = row.first.settings
    return (row.model, *(settings.get(f"model.{key}") for key in ("content", "dtype", "device")))


def _place(row: Row, table: Table) -> tuple[Any, ...]:
    sign = -1 if table.higher_is_better else 1
    passed_over = row.chosen is False
    rank = row.validation_loss if passed_over else sign * (row.score or 0.0)
    score = (not row.complete, passed_over, rank)
    return (row.method, row.model, *order_of(row.group), *score) if table.group_by else score


def _on_versions(table: Table) -> list[str]:
    made = [run.environment for row in table.scored for run in row.runs]
    gits = [one["git"] for one in made if isinstance(one.get("git"), dict)]
    commits = sorted({str(git["commit"])[:7] for git in gits if "commit" in git})
    machines = {(one.get("device_name"), one.get("threads")) for one in made}
    notes = []
    if len(commits) > 1:
        notes.append(f"Made at {len(commits)} commits of Tunebook: {', '.join(commits)}.")
    if len(machines) > 1:
        notes.append("Seconds and memory come from different devices or numbers of threads.")
    return notes
