"""How a sweep ends: one table of all its runs, and by name those that did not end well."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunebook.schema import Settings
from tunebook.sweep.scratch import ELSEWHERE, FAILED, REFUSED, RUNNING, Outcome

if TYPE_CHECKING:
    from tunebook.comparison import Run, Table

REPORT = "report.html"
SHOWN_ANYWAY = ("task", "method", "model", "seed", "recipe")


@dataclass(frozen=True)
class Planned:
    """One run of a sweep: its words, a label that tells it from the others, the settings that were
    asked for, and those without gaps."""

    words: tuple[str, ...]
    label: str
    given: Settings
    settings: Settings


def ended(plan: Sequence[Planned], known: Mapping[int, Outcome]) -> list[Outcome]:
    """One outcome a run, those included of which nothing, or no end, was heard."""
    return [_ended(known.get(number), number) for number in range(len(plan))]


def _ended(outcome: Outcome | None, number: int) -> Outcome:
    if outcome is None:
        return Outcome(number, FAILED, reason="did not begin")
    if outcome.state == RUNNING:
        return dataclasses.replace(outcome, state=FAILED, reason="its process ended in the middle")
    return outcome


def compared(
    plan: Sequence[Planned], outcomes: Sequence[Outcome], varied: Sequence[str]
) -> list[Table]:
    """The tables of these runs; a run that left no folder is a row all the same.

    varied: the keys in which runs differ. Where one is a setting that rows do not show anyway,
    there is a row for each of its values.
    """
    from tunebook import comparison

    there = [one.folder for one in outcomes if _left_a_folder(one)]
    runs = comparison.load(there, debug=True).runs if there else []
    runs += [_as_run(plan[one.number], one) for one in outcomes
             if not (one.is_well or _left_a_folder(one))]  # fmt: skip
    swept = [key for key in varied if key not in SHOWN_ANYWAY]
    return comparison.tables(runs, swept[0] if len(swept) == 1 else None)


def report_written(tables: Sequence[Table], outputs: Path) -> str:
    """Write the tables as a page into `outputs`; returns a line that says where, or why not.

    A page that cannot be written takes nothing from the sweep: its runs and table are there.
    """
    from tunebook.comparison.page import write_page

    file = outputs / REPORT
    try:
        write_page(tables, file)
    except OSError as error:
        return f"no report: cannot write {file}: {error.strerror}"
    return f"report: {file}"


def _left_a_folder(outcome: Outcome) -> bool:
    return bool(outcome.folder) and (Path(outcome.folder) / "status.json").is_file()


def _as_run(planned: Planned, outcome: Outcome) -> Run:
    from tunebook.comparison import Run
    from tunebook.runs.reading import flat

    state = RUNNING if outcome.state == ELSEWHERE else FAILED
    settings = flat(dataclasses.asdict(planned.settings))
    return Run(Path(planned.label), state, outcome.reason or outcome.state, settings)


def summary(plan: Sequence[Planned], outcomes: Sequence[Outcome], what: str = "runs") -> str:
    """How many ended how, and each one that did not end well with its reason."""
    counts = {state: sum(one.state == state for one in outcomes)
              for state in dict.fromkeys(one.state for one in outcomes)}  # fmt: skip
    head = f"{len(outcomes)} {what}: " + ", ".join(f"{n} {state}" for state, n in counts.items())
    bad = [one for one in outcomes if not one.is_well]
    lines = [f"  {plan[one.number].label}: {_reason(one)}" for one in bad]
    return "\n".join([head, *lines])


def _reason(outcome: Outcome) -> str:
    if outcome.state in (ELSEWHERE, REFUSED):
        return " ".join(part for part in (outcome.state, outcome.reason) if part)
    return outcome.reason
