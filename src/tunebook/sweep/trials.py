"""The trials of a sweep's searches: steps of its plan in front of the runs that wait for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from tunebook.models.keeping import what_is_loaded
from tunebook.schema import Settings
from tunebook.search import WINNER, plan, refuse_the_seed_of_trials
from tunebook.sweep.ending import Planned


@dataclass(frozen=True)
class PlannedTrial(Planned):
    """One trial of a search, which runs as everything else does and is no row of the table."""


def with_trials(runs: Sequence[Planned]) -> tuple[list[Planned], list[int]]:
    """Everything that is to be done, and how much of it there is in each phase.

    The runs of one base stand together. Those that search wait for all trials on their base; runs
    that differ in their seed alone share a search. Raises RequestError where a search is wrong.
    """
    if not any(_searches(one.settings) for one in runs):
        return list(runs), [len(runs)]
    steps: list[Planned] = []
    phases: list[int] = []
    for _, group in groupby(runs, key=lambda one: what_is_loaded(one.settings.model)):
        for phase in _phases(list(group)):
            steps += phase
            phases += [len(phase)] if phase else []
    return steps, phases


def _searches(settings: Settings) -> bool:
    """Whether trials are still to be planned: typed by hand, `tune.only` asks for one part."""
    tune = settings.tune
    wanted = tune.trials is not None and tune.only is None and not settings.dry_run
    return wanted and settings.method.trains


def _phases(runs: Sequence[Planned]) -> tuple[list[Planned], list[Planned]]:
    """What can begin at once, and what waits; what trains the base itself comes last in each."""
    waiting = [one for one in runs if _searches(one.settings)]
    for one in waiting:
        refuse_the_seed_of_trials(one.settings)
    first = [*_trials(waiting), *(one for one in runs if not _searches(one.settings))]
    first.sort(key=lambda one: one.settings.method.trains_base)
    return first, [replace(one, given=_only(one.given, WINNER)) for one in waiting]


def _trials(runs: Sequence[Planned]) -> Iterator[Planned]:
    """Runs that differ in their seed alone share a search: that of the first of them."""
    searches: dict[tuple[str, ...], Planned] = {}
    for run in runs:
        searches.setdefault(_without_seed(run.words), run)
    for run in searches.values():
        label = " ".join(_without_seed(run.label.split(" "))) if "=" in run.label else ""
        trials = plan(run.settings).trials
        for one in trials:
            place = f"{label} trial {one.number} of {len(trials)} ({one})".strip()
            yield PlannedTrial(run.words, place, _only(run.given, str(one.number)), run.settings)


def _only(given: Settings, part: str) -> Settings:
    return replace(given, tune=replace(given.tune, only=part))


def _without_seed(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if not word.lstrip("+").startswith("seed="))
