"""The verdict on each row of a table, and how far it reaches."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from tunebook.comparison.significance import (
    FEWEST_EXAMPLES,
    MOST_SEEDS,
    NO_DIFFERENCE,
    Sample,
    corrected,
    p_values,
    seeds_needed,
)
from tunebook.comparison.table import (
    ALPHA,
    BEST,
    BEST_JUDGED,
    NO_VERDICT,
    NOT_CHOSEN,
    NOT_DISTINGUISHABLE,
    WORSE,
    Row,
    Table,
)
from tunebook.counting import counted

FEW_SEEDS = 5
MOST_NAMED = 6
ONE_SEED = (
    "one seed: the interval counts the test rows, not the luck of the seed, so there is no "
    "verdict. It takes 2 seeds at least."
)
TWO_SEEDS = (
    "Two seeds say little: such an interval holds the true score in 88 of 100 cases, not 95, and "
    "equal rows differ in up to 13 of 100 tables, not 5."
)
TUNED = (
    "The seeds of a tuned row share one search: its interval and verdict do not count the luck of "
    "the search."
)
POWER = (
    "Seeds a row that would show the gap to the highest score four times in five, at the seed "
    "deviation seen"
)


def judge(table: Table, rows: Sequence[Row], found: Sequence[Sample]) -> list[str]:
    """Give each of `rows` its verdict; returns what has to be said of them below the table.

    Only rows whose luck is known are judged: those of two seeds or more, and of methods that train
    nothing and so have no seed. One row of one seed takes no verdict from the others.
    found: the scores of each row; empty for a metric that has no intervals.
    """
    for row in table.rows:
        if row.chosen is False:
            row.verdict = NOT_CHOSEN
    if len(rows) > 1:
        for row in rows:
            row.verdict = NO_VERDICT
        if found and found[0].examples >= FEWEST_EXAMPLES:
            _compare(table, rows, found)
    return list(_notes(table, rows, found))


def _compare(table: Table, rows: Sequence[Row], found: Sequence[Sample]) -> None:
    judged = [i for i, row in enumerate(rows) if not row.has_one_seed]
    if len(judged) < 2:
        return
    scores = [_upwards(table, row) for row in rows]
    top = max(judged, key=lambda i: scores[i])
    best = BEST if max(scores) - scores[top] < NO_DIFFERENCE else BEST_JUDGED
    p = corrected(p_values([found[i] for i in judged]))[judged.index(top)]
    for at, i in enumerate(judged):
        rows[i].p = None if i == top else float(p[at])
        differs = WORSE if p[at] < ALPHA else NOT_DISTINGUISHABLE
        rows[i].verdict = best if scores[top] - scores[i] < NO_DIFFERENCE else differs


def _upwards(table: Table, row: Row) -> float:
    return (row.score or 0.0) * (1 if table.higher_is_better else -1)


def _notes(table: Table, rows: Sequence[Row], found: Sequence[Sample]) -> Iterator[str]:
    if not rows:
        return
    if not found:
        yield (
            f"{table.headline} has no interval, so there is no verdict: a resample repeats "
            "examples, which lowers it."
        )
        return
    if found[0].examples < FEWEST_EXAMPLES:
        yield "One test example: no interval and no verdict."
        return
    yield from _on_seeds(rows)
    yield from _on_power(table, rows, found)


def _on_seeds(rows: Sequence[Row]) -> Iterator[str]:
    trained = [row for row in rows if row.first.trains]
    if single := [row for row in rows if row.has_one_seed]:
        which = "Every trained row" if len(single) == len(trained) else _named(single)
        has = "have" if which[0].isdigit() else "has"
        yield f"{which} {has} {ONE_SEED}"
    if any(len(row.runs) == 2 for row in trained):
        yield TWO_SEEDS
    if any(row.value_of("tune.report") for row in trained):
        yield TUNED


def _named(rows: Sequence[Row]) -> str:
    return f"{rows[0].name} on {rows[0].model}" if len(rows) == 1 else counted(len(rows), "row")


def _on_power(table: Table, rows: Sequence[Row], found: Sequence[Sample]) -> Iterator[str]:
    """How many seeds would show the gap to the highest row, where few were run."""
    trained = (sample.sd for row, sample in zip(rows, found, strict=True) if row.first.trains)
    known = [sd for sd in trained if sd is not None]
    if not known or len(rows) < 2:
        return
    usual = math.sqrt(sum(sd**2 for sd in known) / len(known))
    top = max(range(len(rows)), key=lambda i: _upwards(table, rows[i]))
    pairs = len(rows) * (len(rows) - 1) // 2
    needed = []
    for i, row in enumerate(rows):
        sides = (rows[top], found[top]), (row, found[i])
        if i != top and _is_open(rows[top], row) and not _alike(found[top], found[i]):
            variances = [_of_seed(*side, usual) for side in sides]
            seeds = seeds_needed(found[top], found[i], (variances[0], variances[1]), pairs)
            needed.append(f"{row.name} {seeds or f'more than {MOST_SEEDS} (or more test rows)'}")
    if needed:
        more = f" and {len(needed) - MOST_NAMED} more rows" if len(needed) > MOST_NAMED else ""
        yield f"{POWER}: {', '.join(needed[:MOST_NAMED])}{more}."


def _is_open(top: Row, row: Row) -> bool:
    """Whether more seeds may tell: few were run, and they did not."""
    trained = [len(one.runs) for one in (top, row) if one.first.trains]
    return bool(trained) and min(trained) < FEW_SEEDS and row.verdict != WORSE


def _alike(one: Sample, other: Sample) -> bool:
    return abs(one.mean - other.mean) < NO_DIFFERENCE


def _of_seed(row: Row, sample: Sample, usual: float) -> float:
    """The variance of one run's score over seeds; where it has one seed, as rows beside it have."""
    if not row.first.trains:
        return 0.0
    return (usual if sample.sd is None else sample.sd) ** 2
