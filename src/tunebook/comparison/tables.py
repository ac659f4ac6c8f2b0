"""Runs to tables: what can be compared stands together, with a verdict beside each row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tunebook.comparison.choosing import choose
from tunebook.comparison.columns import in_order
from tunebook.comparison.conditions import Conditions, apart, differences
from tunebook.comparison.judging import judge
from tunebook.comparison.rows import rows_of
from tunebook.comparison.run import Run
from tunebook.comparison.significance import FEWEST_EXAMPLES, Sample, interval, samples
from tunebook.comparison.table import Row, Table
from tunebook.metrics import catalogue

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
        for (conditions, some), why in zip(
            groups, differences([known for known, _ in groups]), strict=True
        ):
            found.append(_table(some, conditions, why, group_by))
    return found


def sort(tables: Sequence[Table], column: str) -> None:
    """Order the rows of each table by a column or the key of a setting, the better end first."""
    for table in tables:
        table.rows = in_order(table.rows, column, higher_is_better=table.higher_is_better)


def _table(
    runs: Sequence[Run], conditions: Conditions, why: dict[str, str], group_by: str | None
) -> Table:
    rows, notes = rows_of(runs, group_by)
    first = next((run for run in runs if run.complete), runs[0])
    headline = _headline(first)
    table = Table(
        first.task, str(first.settings.get("data.name", "unknown")), headline,
        _higher_is_better(headline), first.predictions.count if first.predictions else None,
        rows, conditions, why, notes, group_by,
    )  # fmt: skip
    table.notes += choose([row for row in rows if row.complete])
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
    known = [_statistics(row) for row in rows]
    has_intervals = bool(rows) and all(one is not None for one in known)
    found: list[Sample] = (
        samples(table.headline, [one for one in known if one is not None]) if has_intervals else []
    )
    for i, row in enumerate(rows):
        row.score = sum(run.score for run in row.runs) / len(row.runs)
        if found and (table.examples or 0) >= FEWEST_EXAMPLES:
            _describe(row, found[i])
    table.notes += judge(table, rows, found)


def _statistics(row: Row) -> list[Any] | None:
    found = [run.predictions.statistics if run.predictions else None for run in row.runs]
    return None if any(one is None for one in found) else found


def _describe(row: Row, sample: Sample) -> None:
    row.sd = sample.sd
    row.low, row.high = row.runs[0].interval or interval(sample)
    if len(row.runs) > 1 and row.runs[0].trains:
        row.low, row.high = interval(sample)


def _add_gains(table: Table) -> None:
    for row in table.scored:
        row.gain = _gain(row, table, ZERO_SHOT, _before)
        row.over_instruction = _gain(row, table, INSTRUCTION, _with_instruction)


def _gain(
    row: Row, table: Table, method: str, in_run: Callable[[Row, str], float | None]
) -> float | None:
    """The row's score less that of an untrained `method`, from its row or as the runs hold it."""
    base = {_base(other): other.score for other in table.scored if other.method == method}
    start = base.get(_base(row), in_run(row, table.headline))
    if row.method == method or start is None or row.score is None:
        return None
    return row.score - start


def _base(row: Row) -> tuple[Any, ...]:
    settings = row.runs[0].settings
    return (row.model, *(settings.get(f"model.{key}") for key in ("content", "dtype", "device")))


def _before(row: Row, headline: str) -> float | None:
    """The untouched model's score, which a run with the bare template holds itself."""
    if not row.runs[0].is_bare:
        return None
    return row.mean_of(lambda metrics: metrics.get("before", {}).get(headline))


def _with_instruction(row: Row, headline: str) -> float | None:
    return row.mean_of(lambda metrics: metrics.get("instruction", {}).get(headline))


def _place(row: Row, table: Table) -> tuple[Any, ...]:
    sign = -1 if table.higher_is_better else 1
    passed_over = row.chosen is False
    rank = row.validation_loss if passed_over else sign * (row.score or 0.0)
    score = (not row.complete, passed_over, rank)
    return (row.method, row.model, *_order(row.group), *score) if table.group_by else score


def _order(value: Any) -> tuple[bool, bool, Any]:
    """Numbers by size, before texts, before nothing."""
    number = isinstance(value, int | float)
    return value is None, not number, value if number else str(value)


def _on_versions(table: Table) -> list[str]:
    made = [run.environment for row in table.scored for run in row.runs]
    commits = sorted({str(git["commit"])[:7] for one in made
                      if isinstance(git := one.get("git"), dict) and "commit" in git})  # fmt: skip
    machines = {(one.get("device_name"), one.get("threads")) for one in made}
    notes = []
    if len(commits) > 1:
        notes.append(f"Made at {len(commits)} commits of Tunebook: {', '.join(commits)}.")
    if len(machines) > 1:
        notes.append("Seconds and memory come from different devices or numbers of threads.")
    return notes
