"""What can be wrong between settings that are each fine alone: one table of rules, one check."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tunebook import methods
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models.facts import ModelFacts
from tunebook.schema import Settings
from tunebook.settings.libraries import method_options, optimizer, schedule, training_options
from tunebook.settings.reading import every_key
from tunebook.tasks import task_of
from tunebook.tasks.task import unnamed_languages
from tunebook.templates.template import check_template

Rule = Callable[[Settings], Iterable[Problem]]
MINIMUM_TEXT = 8  # tokens
FOLDER_NAME = re.compile(r"\w[\w.+-]*")


def check(settings: Settings, facts: ModelFacts | None) -> list[Problem]:
    """What every rule finds; `facts` are None for a model that is not on this machine."""
    lengths = _lengths(settings, facts) if facts else ()
    return [*lengths, *(problem for rule in RULES for problem in rule(settings))]


def _lengths(settings: Settings, facts: ModelFacts) -> Iterator[Problem]:
    """A context shared by virtual tokens, text and, in a decoder-only model, the answer."""
    method, longest = settings.method, settings.decoding.max_new_tokens
    positions = methods.decoder_positions(method, facts)
    if positions is not None and longest > positions:
        what = f"{longest} are more than the {positions} positions that the model's decoder has"
        remedy = f"Set at most {positions}, or choose another model."
        yield Problem("decoding.max_new_tokens", what, remedy)
        return
    taken = {"method.num_virtual_tokens": method.virtual_tokens}
    if facts.family == "decoder-only":
        taken["decoding.max_new_tokens"] = longest
    if facts.context is None or facts.context - sum(taken.values()) >= MINIMUM_TEXT:
        return
    largest = max(taken, key=lambda key: taken[key])
    sizes = " and ".join(f"{key}={tokens}" for key, tokens in taken.items() if tokens)
    what = f"{sizes} leave no room for text in the model's context of {facts.context} tokens"
    yield Problem(largest, what, "Lower it, or choose a model with a longer context.")


def _names(settings: Settings) -> Iterator[Problem]:
    """The names that become folders."""
    for group in ("task", "model", "method"):
        name = getattr(settings, group).name
        if not FOLDER_NAME.fullmatch(name):
            what = f"becomes a folder's name, so it cannot be {name!r}"
            yield Problem(f"{group}.name", what, "Use letters, digits, dots, - and _.")


def _data(settings: Settings) -> list[Problem]:
    from tunebook.data.checks import check_request

    try:
        check_request(settings.data, task_of(settings.task))
    except RequestError as error:
        return error.problems
    return []


def _tune(settings: Settings) -> Iterator[Problem]:
    known = [where for where, _ in every_key()]
    for key in settings.tune.fixed:
        if key not in known:
            near = did_you_mean(key, known)
            remedy = near if near.startswith("Did you mean") else "See --help."
            yield Problem("tune.fixed", f"there is no key {key}", remedy)


def _method_and_model(settings: Settings) -> list[Problem]:
    return settings.method.misfits(settings.model)


def _trackers(settings: Settings) -> Iterator[Problem]:
    """Each is a package of its own name."""
    for name in settings.training.report_to:
        if importlib.util.find_spec(name) is None:
            what = f"{name} is not installed"
            yield Problem("training.report_to", what, f"Run: pip install {name}")


def _metrics(settings: Settings) -> Iterator[Problem]:
    from tunebook.metrics import catalogue

    task, headline = task_of(settings.task), settings.task.headline
    try:
        known = [key for group in task.metrics for key in catalogue.keys(group)]
    except ValueError as error:
        yield Problem(f"the metrics of {settings.task.name}", str(error))
        return
    if headline not in known:
        what = f"{headline!r} is no metric of {settings.task.name}"
        yield Problem("task.headline", what, did_you_mean(headline, known))


def _language(settings: Settings) -> Iterator[Problem]:
    """Its code says how scores split words, its name stands in the instruction."""
    from tunebook.metrics.text import primary_language
    from tunebook.metrics.tokenizers import tokenizer_for

    task = settings.task
    for key in dict.fromkeys(("language", "source_language", *unnamed_languages(task))):
        code = getattr(task, key, "en")
        try:
            language = primary_language(code)
        except ValueError:
            what = f"{code!r} is not a language code"
            yield Problem(f"task.{key}", what, "Give one such as en, fr, zh.")
            continue
        try:
            if key == "language" and "bleu" in task_of(task).metrics:
                tokenizer_for(language)
        except ValueError as error:
            yield Problem(f"task.{key}", str(error))
        if key in unnamed_languages(task):
            what = f"no language of ISO 639-1 has the code {code!r}"
            remedy = "Give another code, or the whole task.instruction."
            yield Problem(f"task.{key}", f"{what}, so that no instruction can name it", remedy)


def _outputs(settings: Settings) -> Iterator[Problem]:
    """The nearest folder that is there must take new files."""
    if not settings.outputs.strip():
        yield Problem("outputs", "names no folder", "Leave it out for ./outputs.")
        return
    path = Path(settings.outputs).expanduser().absolute()
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir():
        yield Problem("outputs", f"{there} is a file, not a folder", "Name another folder.")
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Problem("outputs", f"{there} cannot be written to", "Name another folder.")


def _template(settings: Settings) -> list[Problem]:
    return check_template(settings.template, task_of(settings.task))


RULES: tuple[Rule, ...] = (
    _names,
    _data,
    training_options,
    method_options,
    optimizer,
    schedule,
    _tune,
    _method_and_model,
    _trackers,
    _metrics,
    _language,
    _outputs,
    _template,
)
