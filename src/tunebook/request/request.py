"""From what the user typed to settings, or to one clear error that holds every problem.

Each word is checked alone, then all together; then each run that they ask for is composed, once.
Every command reads its words here.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydra.core.override_parser.types import Override

from tunebook import folders
from tunebook.errors import Problem, RequestError
from tunebook.request import words as reading
from tunebook.request.composition import apply, compose_groups, forget_changed_files, plain
from tunebook.request.launcher import problems_of_launcher
from tunebook.request.recipe_files import as_known, file_of
from tunebook.schema import GROUPS, Settings
from tunebook.settings.reading import every_key, settings_from
from tunebook.settings.written import place_of

FIXED_BY_RECIPE = ("task", "method")
LONGEST_TOLD = 400
MOST_RUNS = 10_000


@dataclass(frozen=True)
class Run:
    """One run that was asked for: its words as they would be typed, its settings with gaps, and
    the option that each group got."""

    words: tuple[str, ...]
    settings: Settings
    choices: Mapping[str, str]


@dataclass
class Request:
    """The words of one command, parsed, and the runs that they ask for; `sweep` where these may be
    several.

    notes: what was understood in a way that the user may not have meant.
    """

    groups: list[Override] = field(default_factory=list)
    values: list[Override] = field(default_factory=list)
    launcher: list[str] = field(default_factory=list)
    sweep: bool = False
    notes: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)


def read_request(words: Sequence[str], *, sweep: bool = False) -> Request:
    """Parse the words, and compose and check every run that they ask for.

    Raises RequestError with every problem found.
    """
    forget_changed_files()
    request, problems = Request(sweep=sweep), list[Problem]()
    wrong_options = _sort(words, request, problems)
    problems += _conflicts(request)
    if sweep and (too_many := _too_many([*request.groups, *request.values])):
        raise RequestError([_shortened(one) for one in (*problems, too_many)])
    problems += problems_of_launcher(request.launcher)
    problems += _composed(request, wrong_options) or _nothing_to_tune(request)
    if problems:
        raise RequestError(list(dict.fromkeys(map(_shortened, problems))))
    return request


def compose(words: Sequence[str]) -> Settings:
    """Settings for one run in Python. Raises RequestError with every problem found."""
    return read_request(words).runs[0].settings


def check_runs(request: Request) -> list[Settings]:
    """The settings of each run, without gaps, its files looked at.

    Raises RequestError where any run would be refused, before the first starts.
    """
    from tunebook import data
    from tunebook.settings import resolve

    problems: list[Problem] = []
    found = []
    for run in request.runs:
        try:
            settings = resolve(run.settings).settings
            data.check_files(settings.data)
            found.append(settings)
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    return found


def _sort(words: Sequence[str], request: Request, problems: list[Problem]) -> set[str]:
    """Put each word where it belongs; returns the groups whose option is wrong."""
    good: list[Override] = []
    wrong_options = set()
    for word in words:
        try:
            override = reading.read_word(word, sweep=request.sweep)
        except RequestError as error:
            problems += error.problems
            continue
        if reading.is_for_launcher(override):
            request.launcher.append(override.input_line or "")
        elif too_many := _too_many([override]):
            problems.append(too_many)
        elif override.key_or_group != "recipe" or override.value() is not None:
            good.append(override)
    request.notes = [*_given_again(good), *filter(None, map(reading.note_on_escapes, good))]
    for override in _last_of_each(good):
        if not reading.is_group(override):
            request.values.append(override)
            continue
        request.groups.append(override)
        if wrong := reading.bad_options(override):
            problems += wrong
            wrong_options.add(override.key_or_group)
    return wrong_options


def _shortened(problem: Problem) -> Problem:
    """A word may be as long as a book; what is said of it may not."""
    parts = (problem.where, problem.what, problem.remedy)
    return Problem(*(part if len(part) <= LONGEST_TOLD else part[:LONGEST_TOLD] + "…"
                     for part in parts))  # fmt: skip


def _last_of_each(overrides: list[Override]) -> list[Override]:
    """A key given twice counts as it was given last."""
    return list({override.key_or_group: override for override in overrides}.values())


def _given_again(overrides: list[Override]) -> Iterator[str]:
    """Says of each key with two different values which one counts."""
    for last in _last_of_each(overrides):
        lines = {o.input_line for o in overrides if o.key_or_group == last.key_or_group}
        if len(lines) > 1:
            yield f"{last.key_or_group} is given more than once; the last counts: {last.input_line}"


def _too_many(overrides: Sequence[Override]) -> Problem | None:
    """More runs than anybody would wait for."""
    several = [override for override in overrides if override.is_sweep_override()]
    count = math.prod(map(reading.count_of, several))
    if count <= MOST_RUNS:
        return None
    words = " ".join(override.input_line or "" for override in several)
    number = f"{count:,.0f}" if math.isfinite(count) else "endlessly many"
    return Problem(words, f"asks for {number} runs, more than {MOST_RUNS:,}", "Ask for fewer.")


def _conflicts(request: Request) -> list[Problem]:
    """What a recipe fixes, chosen once more beside it."""
    chosen = {override.key_or_group: override for override in request.groups}
    names = reading.values_of(chosen["recipe"]) if "recipe" in chosen else []
    if not names:
        return []
    file = file_of(names[0]) if names[0] in folders.options("recipe") else "the recipe"
    return [
        Problem(
            chosen[group].input_line or group,
            f"recipe={','.join(names)} fixes its {group}",
            f"Copy {file} and change it, or give task= and method= without recipe=.",
        )
        for group in FIXED_BY_RECIPE
        if group in chosen
    ]


def _composed(request: Request, wrong_options: set[str]) -> list[Problem]:
    """Compose every run. Groups whose option is wrong keep their default, for the rest's sake."""
    groups = [one for one in request.groups if one.key_or_group not in wrong_options]
    problems = [
        Problem(override.input_line or "", "gives no value at all", "Nothing would be run.")
        for override in request.values
        if override.is_sweep_override() and not reading.values_of(override)
    ]
    for overrides in _combinations([*_with_custom_model(groups, request.values), *request.values]):
        try:
            request.runs.append(_compose_run(overrides))
        except RequestError as error:
            problems += error.problems
    return problems


def _combinations(overrides: Sequence[Override]) -> Iterator[tuple[str, ...]]:
    """The words of each run: one, or all combinations of a sweep."""
    lines = [
        [f"{o.get_key_element()}={value}" for value in reading.values_of(o)]
        if o.is_sweep_override()
        else [o.input_line or ""]
        for o in overrides
    ]
    return itertools.product(*lines)


def _with_custom_model(groups: list[Override], values: list[Override]) -> list[Override]:
    """A model path without a model or a recipe stands for itself, not for the default model."""
    named = {override.key_or_group for override in groups}
    has_path = any(override.key_or_group == "model.path" for override in values)
    if has_path and not named & {"model", "recipe"}:
        return [*groups, reading.read_word("model=custom", sweep=False)]
    return groups


def _compose_run(words: tuple[str, ...]) -> Run:
    """The settings of one run. Raises RequestError with every problem found.

    A wrong value that stands in a file is told with the file and its line.
    """
    parsed = [reading.read_word(word, sweep=False) for word in words]
    groups = [one for one in parsed if reading.is_group(one)]
    values = [one for one in parsed if not reading.is_group(one)]
    config, choices = compose_groups([one.input_line or "" for one in groups])
    if problems := [problem for one in values if (problem := apply(config, one))]:
        raise RequestError(problems)
    try:
        settings = _settings_of(plain(config), choices.get("recipe"), words)
    except RequestError as error:
        typed = {one.key_or_group for one in values}
        raise RequestError([_in_its_file(one, choices, typed) for one in error.problems]) from None
    return Run(words, settings, choices)


def _in_its_file(problem: Problem, choices: Mapping[str, str], typed: set[str]) -> Problem:
    """With file and line in front of the key, where the value stands in a file."""
    if any(f"{problem.where}.".startswith(f"{key}.") for key in typed):
        return problem
    found = place_of(problem.where, choices)
    place = f"{found[0]}:{found[1]}: " if found else ""
    (known,) = as_known([replace(problem, where=f"{place}{problem.where}")])
    return known


def _settings_of(data: dict[str, Any], recipe: str | None, words: Sequence[str]) -> Settings:
    settings = settings_from({**data, "recipe": recipe})
    settings.label = label_of(words, recipe)
    if settings.tune.trials is not None:
        settings.tune.fixed = _fixed_by(words, settings)
    return settings


def _fixed_by(words: Sequence[str], settings: Settings) -> list[str]:
    """The keys that a search would try, but that have been typed."""
    from tunebook.search.ranges import EVERY_METHOD

    typed = {word.lstrip("+").partition("=")[0] for word in words}
    searched = settings.method.search or EVERY_METHOD
    return [key for key in searched if key in typed or key in settings.tune.fixed]


def _nothing_to_tune(request: Request) -> list[Problem]:
    """A search is asked for, and no run of them trains anything."""
    runs = [run.settings for run in request.runs]
    if not any(one.tune.trials for one in runs) or any(one.method.trains for one in runs):
        return []
    names = " and ".join(dict.fromkeys(one.method.name for one in runs))
    what = f"with {names} nothing is trained, so there is nothing to tune"
    return [Problem("tune", what, "Leave out tune=, or choose another method.")]


SAID_ELSEWHERE = ("task", "method", "model", "recipe", "data.train", "data.validation", "data.test",
                  "data.path", "model.path")  # fmt: skip
LONGEST_LABEL = 60


def label_of(words: Sequence[str], recipe: str | None) -> str:
    """What differs from the recipe or the defaults, short enough for a folder's name.

    File names are left out: the fingerprint tells their content apart.
    """
    silent = {where for where, field in every_key() if not field.metadata.get("changes_result")}
    parts = [recipe] if recipe else []
    for word in sorted(words, key=lambda word: (word.partition("=")[0] in GROUPS, word)):
        key, _, value = word.lstrip("+").partition("=")
        if key not in silent and key not in SAID_ELSEWHERE:
            short = key.removeprefix("data.") if key.startswith("data.limit") else key
            parts.append(short.rsplit(".", 1)[-1] + "=" + value.strip("'\"").lower())
    label = "-".join(re.sub(r"[^\w.=+]+", "_", part) for part in parts)
    return label[:LONGEST_LABEL].strip("-_.") or "default"
