"""What the settings leave open is filled in here, before anything is loaded, with the reason.

A value comes from the user, else from the model's defaults for the method, else from the method's
defaults for the model's family, else from `FALLBACKS`.
"""

from __future__ import annotations

import copy
import math
import os
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tunebook.errors import RequestError
from tunebook.models.facts import ModelFacts, facts_of
from tunebook.schema import LimitSettings, Settings
from tunebook.settings.advice import advice
from tunebook.settings.checks import check
from tunebook.tasks import usual_instruction

FALLBACKS: dict[str, Any] = {
    "training.optim": "adamw_torch",
    "training.lr_scheduler_type": "linear",
    "training.weight_decay": 0.0,
    "training.batch_size": 16,
    "training.num_train_epochs": 3.0,
}
UNNAMED = "custom"
LONGEST_NAME = 100
DEBUG_LIMITS = LimitSettings(train=32, validation=8, test=8)
DEBUG_STEPS = 4
DEBUG_TOKENS = 16


@dataclass
class Resolved:
    """Settings without gaps, where each filled value came from, and what to be warned of."""

    settings: Settings
    facts: ModelFacts
    origins: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def resolve(given: Settings) -> Resolved:
    """A copy of `given` with every gap filled.

    Raises RequestError with everything that is wrong with the model's path or between settings.
    """
    facts = _facts_of(given)
    settings, origins = filled(given, facts.family, facts.folder or facts.path)
    _make_absolute(settings)
    if problems := check(settings, facts):
        raise RequestError(problems)
    return Resolved(settings, facts, origins, [str(one) for one in advice(settings, facts)])


def filled(
    given: Settings, family: str | None, place: str | Path | None = None
) -> tuple[Settings, dict[str, str]]:
    """A copy of `given` with its gaps filled, unchecked, and where each filled value came from.

    Without a `family` the defaults that depend on it stay open. A model without a name of its own
    is named after its `place`.
    """
    settings = copy.deepcopy(given)
    settings.model.family = family
    origins = {"model.family": "the model's config.json"} if family else {}
    if settings.model.name == UNNAMED and place:
        settings.model.name = _as_name(Path(os.path.abspath(place)).name)
    origins |= _fill(settings, _defaults(settings))
    if settings.debug:
        _shorten(settings, origins)
    return settings, origins


def _as_name(folder: str) -> str:
    """A folder's name as a part of another's: a space or what else it holds becomes -."""
    return re.sub(r"[^\w.+-]+", "-", folder).strip(".+-")[:LONGEST_NAME] or UNNAMED


def _make_absolute(settings: Settings) -> None:
    """Local paths hold from every directory, so that a run can be repeated from anywhere."""
    data = [(settings.data, name) for name in ("train", "validation", "test", "path")]
    for part, name in [*data, (settings.model, "path")]:
        value = getattr(part, name)
        if value and Path(value).expanduser().exists():
            setattr(part, name, os.path.abspath(Path(value).expanduser()))


def _facts_of(settings: Settings) -> ModelFacts:
    try:
        return facts_of(settings.model)
    except RequestError as error:
        raise RequestError([*error.problems, *check(settings, None)]) from None


def _defaults(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    model, method, data, task = settings.model, settings.method, settings.data, settings.task
    of_family = method.by_family.get(model.family or "", {})
    return [
        (f"data set {data.name}", {"task.instruction": data.instructions.get(task.name)}),
        (f"task {task.name}", {"task.instruction": usual_instruction(task) or None}),
        (f"model {model.name} for {method.name}", model.by_method.get(method.name, {})),
        (f"method {method.name} for {model.family}", of_family),
        ("Tunebook's default", _fallbacks(settings)),
    ]


def _fallbacks(settings: Settings) -> dict[str, Any]:
    lasts_steps = settings.training.max_steps is not None
    return {k: v for k, v in FALLBACKS.items() if not (k.endswith("epochs") and lasts_steps)}


def _fill(settings: Settings, defaults: list[tuple[str, dict[str, Any]]]) -> dict[str, str]:
    origins = {}
    for reason, values in defaults:
        for key, value in values.items():
            group, name = key.split(".", 1)
            part = getattr(settings, group)
            waits = getattr(part, name, value) is None
            if waits and value is not None and not _length_is_set(settings, key):
                setattr(part, name, value)
                origins[key] = reason
    return origins


def _length_is_set(settings: Settings, key: str) -> bool:
    """max_steps and num_train_epochs exclude each other: the first one given holds."""
    training = settings.training
    if key == "training.num_train_epochs":
        return training.max_steps is not None
    return key == "training.max_steps" and training.num_train_epochs is not None


def _shorten(settings: Settings, origins: dict[str, str]) -> None:
    limit, decoding, training = settings.data.limit, settings.decoding, settings.training
    for split in fields(DEBUG_LIMITS):
        most = getattr(DEBUG_LIMITS, split.name)
        setattr(limit, split.name, min(getattr(limit, split.name) or most, most))
    training.max_steps = min(training.max_steps or DEBUG_STEPS, DEBUG_STEPS)
    training.num_train_epochs = None
    origins.pop("training.num_train_epochs", None)
    training.warmup_steps = min(training.warmup_steps, 1)
    decoding.max_new_tokens = min(decoding.max_new_tokens, DEBUG_TOKENS)
    keys = ("data.limit", "training.max_steps", "decoding.max_new_tokens")
    origins |= dict.fromkeys(keys, "debug=true")


def steps_of(settings: Settings, examples: int) -> int:
    """Updates in a whole run over `examples` training examples."""
    training = settings.training
    if training.max_steps:
        return training.max_steps
    assert training.batch_size is not None
    assert training.num_train_epochs is not None
    batches = math.ceil(examples / training.batch_size)
    updates = max(1, math.ceil(batches / training.gradient_accumulation_steps))
    return max(1, math.ceil(updates * training.num_train_epochs))
