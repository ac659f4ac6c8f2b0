"""Several runs from one command: planned, launched, followed, and put into one table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunebook import terminal
from tunebook.errors import Problem, RequestError
from tunebook.request.request import Request, check_runs
from tunebook.schema import Settings
from tunebook.sweep.ending import Planned, compared, ended, report_written, summary
from tunebook.sweep.job import Action, Job
from tunebook.sweep.launch import launch
from tunebook.sweep.scratch import REFUSED, Outcome, Scratch, remove_killed
from tunebook.sweep.trials import PlannedTrial, with_trials
from tunebook.sweep.view import View


def run_all(request: Request, action: Action) -> list[Outcome]:
    """Run everything that `request` asks for and print the table. Returns an outcome a run.

    A trial of a search that fails is told, and is no failure of the sweep.
    Raises RequestError where any run would be refused, before the first begins.
    """
    from tunebook.models import keeping

    runs, varied = plan_of(request)
    plan, phases = with_trials(runs)
    outputs = Path(plan[0].settings.outputs)
    remove_killed(outputs)
    scratch = Scratch.make(outputs, phases)
    scratch.write_settings([one.given for one in plan])
    view = View(scratch, [one.label for one in plan], [_alike(one) for one in plan])
    well = True
    try:
        with keeping.one_base(), view:
            launch(Job(action, scratch.path), scratch, request.launcher)
        outcomes = ended(plan, scratch.read())
        well = all(one.is_well or one.state == REFUSED for one in outcomes)
        trials = [one for one in outcomes if isinstance(plan[one.number], PlannedTrial)]
        if trials:
            terminal.note(f"tunebook: {summary(plan, trials, 'trials')}")
        outcomes = [one for one in outcomes if one not in trials]
        _conclude(plan, outcomes, varied, scratch)
    finally:
        if well:
            scratch.remove(outputs)
        else:
            scratch.keep()
    return outcomes


def plan_of(request: Request) -> tuple[list[Planned], list[str]]:
    """Every run, each once, those of one base model together; and the keys in which they differ.

    Runs that train the base itself come last of their model: it has to be loaded anew for each.
    """
    runs = zip(request.runs, check_runs(request), strict=True)
    once = {run.words: (run, settings) for run, settings in runs}
    varied = [at for at, some in enumerate(zip(*once, strict=True)) if len(set(some)) > 1]
    plan = [
        Planned(words, _label([words[at] for at in varied]), run.settings, settings)
        for words, (run, settings) in once.items()
    ]
    bases = list(dict.fromkeys(_base_of(one.settings) for one in plan))
    plan.sort(key=lambda one: (bases.index(_base_of(one.settings)),
                               one.settings.method.trains_base))  # fmt: skip
    first = next(iter(once))
    return plan, [_bare(first[at]).partition("=")[0] for at in varied]


def _label(words: Sequence[str]) -> str:
    return " ".join(map(_bare, words)) or "the only run"


def _bare(word: str) -> str:
    return word.lstrip("+")


def _base_of(settings: Settings) -> tuple[Any, ...]:
    from tunebook.models.keeping import what_is_loaded

    return what_is_loaded(settings.model)


def _alike(planned: Planned) -> tuple[Any, ...]:
    settings = planned.settings
    return type(planned), settings.task.name, settings.method.name, _base_of(settings)


def _conclude(
    plan: Sequence[Planned], outcomes: Sequence[Outcome], varied: Sequence[str], scratch: Scratch
) -> None:
    from tunebook.comparison import render

    if all(one.state == REFUSED for one in outcomes):
        reasons = dict.fromkeys(one.reason for one in outcomes)
        raise RequestError([Problem("", reason) for reason in reasons])
    dry = plan[0].settings.dry_run
    tables = [] if dry else compared(plan, outcomes, varied)
    if tables:
        color = sys.stdout.isatty()
        terminal.show(render(tables, color=color), coloured=color)
        where = report_written(tables, Path(plan[0].settings.outputs))
        terminal.note(f"tunebook: {where}")
    what = "dry runs" if dry else "runs"
    terminal.note(f"tunebook: {summary(plan, outcomes, what)}")
    if reason := scratch.why_the_launcher_gave_up():
        terminal.note(f"tunebook: the launcher gave up: {reason}")
    if notes := sorted(scratch.path.glob("*.txt")):
        terminal.note(f"tunebook: more in {', '.join(map(str, notes))}")
