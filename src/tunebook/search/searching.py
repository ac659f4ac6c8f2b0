"""A whole search: every trial, the choice, and the run of the winner."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from tunebook.counting import counted
from tunebook.errors import RunFailed, RunsElsewhere
from tunebook.events import Frame
from tunebook.models import keeping
from tunebook.pipeline.steps import Result
from tunebook.schema import Settings, TuneSettings
from tunebook.search.choosing import choose, sign
from tunebook.search.trials import WINNER, Search, plan
from tunebook.search.trying import try_out

Say = Callable[[str], None]
Run = Callable[[Settings, Say], Result]


def is_trial(settings: Settings) -> bool:
    """Whether these settings ask for one trial of a search alone."""
    return settings.tune.trials is not None and settings.tune.only not in (None, WINNER)


def run_with_search(given: Settings, say: Say, run: Run) -> Result:
    """The run of the best of `given.tune.trials` trials; or the one trial that is asked for.

    Trials that are done are not repeated; what was cut off goes on; what failed is tried again.
    run: what runs settings without a search.
    Raises RequestError where the request is wrong, and RunFailed where no trial came to an end.
    """
    if not given.method.trains:
        say(f"tune: {given.method.name} trains nothing, so it has no trials")
        return run(dataclasses.replace(given, tune=TuneSettings()), say)
    search = plan(given)
    trial = search.only()
    if given.dry_run:
        _tell(search, say)
        return run(dataclasses.replace(given, tune=TuneSettings()), say)
    if trial is not None:
        tried = try_out(trial)
        say(Frame(f"trial {trial.number}: {trial}: {tried.came_to} ({tried.folder})"))
        return tried
    _tell(search, say)
    if given.tune.only == WINNER:
        return _run_winner(search, say, run)
    with keeping.one_base():
        _try_all(search, say)
        return _run_winner(search, say, run)


def _run_winner(search: Search, say: Say, run: Run) -> Result:
    chosen = choose(search, say)
    result = run(chosen, say)
    sign(result.folder, chosen)
    return result


def _tell(search: Search, say: Say) -> None:
    searched = ", ".join(one.key for one in search.ranges)
    count, seed = len(search.trials), search.given.tune.seed
    say(f"tune: {counted(count, 'trial')} over {searched}, by validation loss, seed {seed}")
    if fixed := search.given.tune.fixed:
        say(f"tune: fixed, so not searched: {', '.join(fixed)}")
    for note in search.notes:
        say(note)
    if search.given.dry_run:
        for trial in search.trials:
            say(f"  trial {trial.number}: {trial}")


def _try_all(search: Search, say: Say) -> None:
    for trial in search.trials:
        place = f"trial {trial.number} of {len(search.trials)}: {trial}"
        try:
            tried = try_out(trial)
        except RunsElsewhere:
            say(f"{place}: another process is at it")
        except RunFailed as error:
            say(f"{place}: failed: {error.reason}")
        else:
            say(f"{place}: {tried.came_to}{'' if tried.fresh else ' (finished before)'}")
