"""The trials of a search, named before the first one begins."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunebook.errors import Problem, RequestError
from tunebook.schema import TuneSettings
from tunebook.search.points import points
from tunebook.search.ranges import Range, ranges_of, value_of, with_values
from tunebook.settings import Settings, resolve


@dataclass(frozen=True)
class Trial:
    """One setting to try: its number from 1, the searched values, and all settings, given so far.

    The first one changes nothing: `values` are then the defaults, and `settings` leave them open.
    """

    number: int
    values: Mapping[str, Any]
    settings: Settings

    def __str__(self) -> str:
        return in_words(self.values)


@dataclass(frozen=True)
class Search:
    """All trials of one method on one task, and what may be said of how they were drawn."""

    given: Settings
    ranges: Sequence[Range]
    trials: Sequence[Trial]
    notes: Sequence[str] = field(default_factory=list)

    def only(self) -> Trial | None:
        """The one trial that is asked for, if it is one. Raises RequestError."""
        word = self.given.tune.only
        if word in (None, WINNER):
            return None
        numbers = {str(trial.number): trial for trial in self.trials}
        if word not in numbers:
            what = f"{word!r} is neither a trial, 1 to {len(self.trials)}, nor {WINNER}"
            raise RequestError(Problem("tune.only", what))
        return numbers[word]


WINNER = "winner"


def plan(given: Settings) -> Search:
    """The trials of `given`: its default first, then others as far as there are any.

    Raises RequestError with everything that is wrong with the search.
    """
    refuse_the_seed_of_trials(given)
    settings = resolve(given).settings
    ranges = ranges_of(settings)
    if not ranges:
        what = f"every key that {settings.method.name} searches is fixed"
        remedy = f"Leave out tune=, or one of {', '.join(settings.tune.fixed)}."
        raise RequestError(Problem("tune", what, remedy))
    start = _to_try(given)
    default = Trial(1, {one.key: value_of(settings, one.key) for one in ranges}, start)
    trials, notes = _drawn(given, ranges, default)
    return Search(given, ranges, trials, notes)


def refuse_the_seed_of_trials(given: Settings) -> None:
    """Raise RequestError for a run that would have the seed by which its settings were chosen."""
    tune = given.tune
    if given.seed == tune.seed and tune.only in (None, WINNER):
        what = f"{tune.seed} is the seed of the trials too: their luck would be the run's"
        raise RequestError(Problem("seed", what, "Give another seed, or another tune.seed."))


def _to_try(given: Settings) -> Settings:
    """Settings of the trials: a seed and a length of their own, and nothing of the test split."""
    training, limit = given.training, dataclasses.replace(given.data.limit, test=None)
    if given.tune.steps is not None:
        training = dataclasses.replace(training, max_steps=given.tune.steps, num_train_epochs=None)
    return dataclasses.replace(
        given, training=training, data=dataclasses.replace(given.data, limit=limit),
        seed=given.tune.seed, tune=TuneSettings(), dry_run=False,
    )  # fmt: skip


def _drawn(
    given: Settings, ranges: Sequence[Range], default: Trial
) -> tuple[list[Trial], list[str]]:
    """The default and, behind it, as many others as are wanted, no two of them alike."""
    trials, seen, refused = [default], [default.values], list[Problem]()
    for point in points(len(ranges), given.tune.seed):
        if len(trials) == given.tune.trials:
            break
        values = {one.key: one.at(share) for one, share in zip(ranges, point, strict=True)}
        if values in seen:
            continue
        seen.append(values)
        try:
            settings = with_values(default.settings, values)
            resolve(settings)
        except RequestError as error:
            refused.append(error.problems[0])
        else:
            trials.append(Trial(len(trials) + 1, values, settings))
    return trials, list(_notes(given, len(trials), refused))


def _notes(given: Settings, there: int, refused: Sequence[Problem]) -> Iterator[str]:
    if refused:
        yield f"tune: {len(refused)} of the drawn settings cannot be run, others take their " \
              f"place: {refused[0]}"  # fmt: skip
    if there < (given.tune.trials or 0):
        yield f"tune: there are only {there} different settings to try"


def in_words(values: Mapping[str, Any]) -> str:
    """The values by the last words of their keys."""
    return " ".join(f"{key.rsplit('.', 1)[-1]}={_short(v)}" for key, v in values.items())


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
