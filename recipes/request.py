"""From what the user typed to settings, or to one clear error that holds every problem.

The words are checked before Hydra sees them: each alone, then together. What passes is handed to
Hydra with every value written as `++key=value`, so that keys without a line in conf/ can be set.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from hydra.errors import HydraException

from recipes import launching
from recipes.composition import apply, compose_groups, forget, in_hydra, plain
from recipes.outside import adopt, as_known, file_of, problems_of
from tunebook import folders
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.settings import Settings, settings_from
from tunebook.settings.reading import every_key
from tunebook.settings.written import place_of

FIXED_BY_RECIPE = ("task", "method")


@dataclass
class Request:
    """The words of one command, parsed; `sweep` when it asks for several runs.

    notes: what was understood in a way that the user may not have meant.
    """

    groups: list[Override] = field(default_factory=list)
    values: list[Override] = field(default_factory=list)
    passed_on: list[Override] = field(default_factory=list)
    sweep: bool = False
    notes: list[str] = field(default_factory=list)

    def for_launcher(self) -> list[str]:
        """The words that are for Hydra itself."""
        return [o.input_line or "" for o in self.passed_on]


def read_request(words: Sequence[str], *, sweep: bool = False) -> Request:
    """Parse the words and check every run that they ask for.

    Raises RequestError with every problem found.
    """
    forget()
    problems: list[Problem] = []
    request = Request(sweep=sweep)
    for word in words:
        _sort_in(word, request, problems)
    request.notes = [*_given_again([*request.groups, *request.values]), *_escapes(request.values)]
    request.groups, request.values = _last_of_each(request.groups), _last_of_each(request.values)
    _refuse_conflicts(request, problems)
    if sweep and (too_many := _too_many([*request.groups, *request.values])):
        raise RequestError([_shortened(one) for one in (*problems, too_many)])
    good = [o for o in request.groups if not _bad_options(o)]
    problems += _problems_of_runs(Request(good, request.values, request.passed_on, sweep))
    if problems:
        raise RequestError(list(dict.fromkeys(map(_shortened, problems))))
    return request


def _shortened(problem: Problem) -> Problem:
    """A word may be as long as a book; what is said of it may not."""
    parts = (problem.where, problem.what, problem.remedy)
    return Problem(*(part if len(part) <= LONGEST_TOLD else part[:LONGEST_TOLD] + "…"
                     for part in parts))  # fmt: skip


LONGEST_TOLD = 400


def _last_of_each(overrides: list[Override]) -> list[Override]:
    """A key given twice counts as it was given last."""
    return list({override.key_or_group: override for override in overrides}.values())


def _given_again(overrides: list[Override]) -> Iterator[str]:
    """Says of each key with two different values which one counts."""
    for last in _last_of_each(overrides):
        lines = {o.input_line for o in overrides if o.key_or_group == last.key_or_group}
        if len(lines) > 1:
            yield f"{last.key_or_group} is given more than once; the last counts: {last.input_line}"


def _escapes(values: list[Override]) -> Iterator[str]:
    """Says of each text that holds a backslash and an n that it is no line end."""
    for override in values:
        key, _, value = (override.input_line or "").partition("=")
        if "\\n" in value and key.lstrip("+") not in WITH_ESCAPES:
            yield f"{key} holds a backslash and an n, no line end; that is typed $'{key}=…\\n…'"


def _hostile(word: str) -> Problem | None:
    """What keeps a word from being read at all."""
    depth = max(itertools.accumulate((c in "([{") - (c in ")]}") for c in word), default=0)
    if len(word) > LONGEST_WORD:
        return Problem(f"{word[:20]}…", f"has {len(word):,} characters", "Put it into a file.")
    if depth > DEEPEST_WORD:
        return Problem(f"{word[:20]}…", f"opens over {DEEPEST_WORD} brackets in one another")
    if NO_TEXT.search(word):
        return Problem(repr(word[:80]), "holds half a character or a NUL, so it is no text")
    return None


LONGEST_SHOWN = 100
LONGEST_WORD, DEEPEST_WORD = 100_000, 20
NO_TEXT = re.compile("[\ud800-\udfff\0]")


def _sort_in(word: str, request: Request, problems: list[Problem]) -> None:
    if hostile := _hostile(word):
        problems.append(hostile)
        return
    try:
        override = _parse(word)
    except (HydraException, ValueError, OverflowError, RecursionError):
        problems.append(_unreadable(word))
        return
    except RequestError as error:
        problems += error.problems
        return
    key = override.key_or_group
    if not key:
        problems.append(_unreadable(word))
    elif key == "sweep":
        problems.append(Problem(word, "names several runs", "Only recipes.run takes it."))
    elif key.startswith("hydra") or "/" in key:
        if problem := launching.misused(override):
            problems.append(problem)
        else:
            request.passed_on.append(override)
    elif problem := _misused(override, request.sweep) or _too_many([override]):
        problems.append(problem)
    elif key == "recipe" and override.value() is None:
        return
    elif key in folders.groups():
        problems += _bad_options(override)
        request.groups.append(override)
    else:
        request.values.append(override)


def _parse(word: str) -> Override:
    word = re.sub(r"^(\+*)tune=", r"\1tune.trials=", word)  # short for it
    if word.partition("=")[0].lstrip("+") in WITH_ESCAPES:
        word = _with_line_ends(word)
    if word.startswith("recipe="):
        word = "recipe=" + ",".join(map(adopt, word.removeprefix("recipe=").split(",")))
    return OverridesParser.create().parse_override(word)


def _with_line_ends(word: str) -> str:
    key, equals, value = word.partition("=")
    meant = value.replace("\\n", "\n").replace("\\t", "\t")
    bare = meant != value and not set(meant) & set("'\",")
    return f"{key}{equals}{quoted(meant) if bare else meant}"


WITH_ESCAPES = ("template.separator",)
"""Where `\\n` is typed for a line end, as --help shows it."""
MOST_RUNS = 10_000


def _too_many(overrides: Sequence[Override]) -> Problem | None:
    """More runs than anybody would wait for; counted, for they could not be listed."""
    several = [override for override in overrides if override.is_sweep_override()]
    count = math.prod(map(_count, several))
    if count <= MOST_RUNS:
        return None
    words = " ".join(override.input_line or "" for override in several)
    number = f"{count:,.0f}" if math.isfinite(count) else "endlessly many"
    return Problem(words, f"asks for {number} runs, more than {MOST_RUNS:,}", "Ask for fewer.")


def _count(override: Override) -> float:
    values: Any = override.value()
    if isinstance(values, RangeSweep):
        span, step = (values.stop or 0) - (values.start or 0), values.step
        steps = span / step if step else math.inf
        return max(0, math.ceil(steps)) if math.isfinite(steps) else math.inf
    return len(values.list) if isinstance(values, ChoiceSweep) else 1


def _unreadable(word: str) -> Problem:
    key, equals, value = word.partition("=")
    if not equals or not re.fullmatch(r"[+~]*[\w.@/]+", key):
        return Problem(repr(word), "is not KEY=VALUE", _written_right(key))
    if len(value) > LONGEST_SHOWN:
        return Problem(key, f"cannot read the value {value[:LONGEST_SHOWN]!r}…", "Quote it.")
    return Problem(key, f"cannot read the value {value!r}", f"Quote it: '{key}={quoted(value)}'")


def _written_right(key: str) -> str:
    if key in folders.groups():
        return f"Write {key}=NAME, with one of {', '.join(folders.options(key))}."
    if key in {where for where, _ in every_key()}:
        return f"Write {key}=VALUE."
    return "Write, for example, seed=1; a value with spaces stands in quotes: 'KEY=\"two words\"'."


def _misused(override: Override, sweep: bool) -> Problem | None:
    key, line = override.key_or_group, override.input_line or ""
    if override.is_delete():
        return Problem(line, "nothing can be deleted", f"Set {key}= to another value.")
    if override.is_add() and (key in folders.groups() or not _is_open(key)):
        bare = line.lstrip("+")
        return Problem(line, "every key exists already", f"Write {bare} without the plus sign.")
    if override.is_sweep_override() and not sweep:
        remedy = "Add -m to run one after the other" + _or_quoted(override)
        return Problem(line, "gives several values", remedy)
    if override.is_interval_sweep():
        return Problem(line, "is an interval", f"Give its values: {key}=1,2 or {key}=range(1,3).")
    if "@" in line.partition("=")[0]:
        return Problem(line, "options stay in their own group", f"Write {key}=NAME.")
    return None


def _or_quoted(override: Override) -> str:
    key, _, value = (override.input_line or "").partition("=")
    return "." if key in folders.groups() else f", or quote one value: '{key}={quoted(value)}'"


def quoted(value: str) -> str:
    """`value` as Hydra reads it whatever it holds."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _is_open(key: str) -> bool:
    return any(key.startswith(start) for start in ("method.peft.", "training.arguments.", "data."))


def _bad_options(override: Override) -> list[Problem]:
    group, known = override.key_or_group, folders.options(override.key_or_group)
    named = _named(override)
    problems = [
        Problem(f"{group}={name}", f"there is no such {group}", did_you_mean(name, known))
        for name in named
        if name not in known
    ]
    if not named:
        what = f"chooses no {group}"
        problems.append(Problem(override.input_line or group, what, did_you_mean("", known)))
    problems += [wrong for name in named if name in known for wrong in problems_of(group, name)]
    return problems


def _named(override: Override) -> list[str]:
    """The options that an override of a group chooses; none for null."""
    if override.is_sweep_override():
        return _expanded(override)
    return [] if override.value() is None else [str(override.get_value_element_as_str())]


def _refuse_conflicts(request: Request, problems: list[Problem]) -> None:
    chosen = {override.key_or_group: override for override in request.groups}
    recipe = chosen.get("recipe")
    if recipe is None:
        return
    names = _named(recipe)
    name = ",".join(names)
    file = file_of(names[0]) if names[0] in folders.options("recipe") else "the recipe"
    problems.extend(
        Problem(
            chosen[group].input_line or group,
            f"recipe={name} fixes its {group}",
            f"Copy {file} and change it, or give task= and method= without recipe=.",
        )
        for group in FIXED_BY_RECIPE
        if group in chosen
    )


def _problems_of_runs(request: Request) -> list[Problem]:
    problems = [*_problems_of_hydra(request.passed_on), *_without_values(request)]
    found = []
    for words in _runs_of(request):
        try:
            found.append(settings_of_words(words))
        except RequestError as error:
            problems += error.problems
    return problems or _nothing_to_tune(found)


def _nothing_to_tune(runs: Sequence[Settings]) -> list[Problem]:
    """A search is asked for, and no run of them trains anything."""
    if not any(one.tune.trials for one in runs) or any(one.method.trains for one in runs):
        return []
    names = " and ".join(dict.fromkeys(one.method.name for one in runs))
    what = f"with {names} nothing is trained, so there is nothing to tune"
    return [Problem("tune", what, "Leave out tune=, or choose another method.")]


def _problems_of_hydra(passed_on: list[Override]) -> list[Problem]:
    if not passed_on:
        return []
    try:
        compose_groups([override.input_line or "" for override in passed_on])
    except RequestError as error:
        named = " ".join(override.input_line or "" for override in passed_on)
        return [replace(one, where=named) for one in error.problems]
    return []


def _without_values(request: Request) -> list[Problem]:
    return [
        Problem(override.input_line or "", "gives no value at all", "Nothing would be run.")
        for override in request.values
        if override.is_sweep_override() and not _expanded(override)
    ]


def check_runs(request: Request) -> list[tuple[list[str], Settings]]:
    """The words and the settings, without gaps, of each run of a sweep.

    Raises RequestError where any run would be refused, before the first starts.
    """
    from tunebook import data
    from tunebook.settings import resolve

    problems: list[Problem] = []
    found = []
    for words in _runs_of(request):
        try:
            settings = resolve(settings_of_words(words)).settings
            data.check_files(settings.data)
            found.append((words, settings))
        except RequestError as error:
            problems += error.problems
    if problems:
        raise RequestError(list(dict.fromkeys(problems)))
    return found


def words_for_hydra(words: Sequence[str]) -> list[str]:
    """The words of one run as Hydra is to get them."""
    return [
        in_hydra(word) if word.partition("=")[0] in folders.groups() else "++" + word.lstrip("+")
        for word in words
    ]


def _runs_of(request: Request) -> Iterable[list[str]]:
    """The words of each run: one, or all combinations of a sweep."""
    overrides = [*_with_custom_model(request.groups, request.values), *request.values]
    if not request.sweep:
        return [[o.input_line or "" for o in overrides]]
    lines = [
        [f"{o.get_key_element()}={value}" for value in _expanded(o)]
        if o.is_sweep_override()
        else [o.input_line or ""]
        for o in overrides
    ]
    return map(list, itertools.product(*lines))


def _expanded(override: Override) -> list[str]:
    if (override.value_type and override.value_type.name) == "GLOB_CHOICE_SWEEP":
        glob: Any = override.value()
        return glob.filter(list(folders.options(override.key_or_group)))
    (batch,) = BasicSweeper.split_arguments([override], max_batch_size=None)
    return [run[0].partition("=")[2] for run in batch]


def _with_custom_model(groups: list[Override], values: list[Override]) -> list[Override]:
    """A model path without a model or a recipe stands for itself, not for the default model."""
    named = {override.key_or_group for override in groups}
    has_path = any(override.key_or_group == "model.path" for override in values)
    if has_path and not named & {"model", "recipe"}:
        return [*groups, _parse("model=custom")]
    return groups


def settings_of_words(words: Sequence[str]) -> Settings:
    """The settings of one run. Raises RequestError with every problem found.

    A wrong value that stands in a file is told with the file and its line.
    """
    parsed = [_parse(word) for word in words]
    groups = [o for o in parsed if o.key_or_group in folders.groups()]
    values = [o for o in parsed if o.key_or_group not in folders.groups()]
    config, choices = compose_groups([o.input_line or "" for o in groups])
    problems = [problem for o in values if (problem := apply(config, o))]
    if problems:
        raise RequestError(problems)
    try:
        return settings_of(plain(config), choices.get("recipe"), words)
    except RequestError as error:
        typed = {o.key_or_group for o in values}
        raise RequestError([_in_its_file(one, choices, typed) for one in error.problems]) from None


def _in_its_file(problem: Problem, choices: Mapping[str, str], typed: set[str]) -> Problem:
    """With file and line in front of the key, where the value stands in a file."""
    if any(f"{problem.where}.".startswith(f"{key}.") for key in typed):
        return problem
    found = place_of(problem.where, choices)
    place = f"{found[0]}:{found[1]}: " if found else ""
    (known,) = as_known([replace(problem, where=f"{place}{problem.where}")])
    return known


def settings_of(data: dict[str, Any], recipe: str | None, words: Sequence[str]) -> Settings:
    """Settings from composed data, with the folder's label made from the words of the command."""
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


def compose(words: list[str]) -> Settings:
    """Settings for one run in Python. Raises RequestError with every problem found."""
    request = read_request(words)
    (run,) = _runs_of(request)
    return settings_of_words(run)


def runs_words(request: Request) -> list[str]:
    """The words of the one run for Hydra, a model named by its path alone included."""
    return [*words_for_hydra(words_of_run(request)), *request.for_launcher()]


def words_of_run(request: Request) -> list[str]:
    """The words of the one run, as they would be typed."""
    (run,) = _runs_of(request)
    return run


SAID_ELSEWHERE = ("task", "method", "model", "recipe", "data.train", "data.validation", "data.test",
                  "data.path", "model.path")  # fmt: skip


def label_of(words: Sequence[str], recipe: str | None) -> str:
    """What differs from the recipe or the defaults, short enough for a folder's name.

    File names are left out: the fingerprint tells their content apart.
    """
    silent = {where for where, field in every_key() if not field.metadata.get("changes_result")}
    parts = [recipe] if recipe else []
    for word in sorted(words):
        key, _, value = word.lstrip("+").partition("=")
        key = key.removesuffix("@_global_")
        if key not in silent and key not in SAID_ELSEWHERE and not key.startswith("hydra"):
            short = key.removeprefix("data.") if key.startswith("data.limit") else key
            parts.append(short.rsplit(".", 1)[-1] + "=" + value.strip("'\"").lower())
    label = "-".join(re.sub(r"[^\w.=+]+", "_", part) for part in parts)
    return label[:LONGEST_LABEL].strip("-_.") or "default"


LONGEST_LABEL = 60
