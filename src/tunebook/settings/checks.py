"""What can be wrong between settings that are each fine alone."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Any

from tunebook import methods
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models.facts import ModelFacts
from tunebook.schema import Settings
from tunebook.settings.beforehand import REFUSED, REFUSED_BY_PEFT, beforehand
from tunebook.settings.installed import TRAINING_ARGUMENTS, unknown_options
from tunebook.settings.reading import every_key
from tunebook.tasks import task_of
from tunebook.tasks.task import unnamed_languages
from tunebook.templates.template import check_template

OURS = {
    "output_dir": "outputs",
    "per_device_train_batch_size": "training.batch_size",
    "per_device_eval_batch_size": "decoding.batch_size",
    "seed": "seed",
    "data_seed": "seed",
    "bf16": "model.dtype",
    "fp16": "model.dtype",
    "gradient_checkpointing": "model.gradient_checkpointing",
    "use_cpu": "model.device",
    "do_train": "method",
    "do_eval": "training.eval_steps",
    "eval_strategy": "training.eval_steps",
    "save_strategy": "training.eval_steps",
    "save_steps": "training.eval_steps",
    "load_best_model_at_end": "training.keep_best",
    "metric_for_best_model": "training.keep_best",
    "resume_from_checkpoint": "again",
    "push_to_hub": "the run folder's adapter/",
    "remove_unused_columns": "data.fields",
} | {
    name: f"training.{name}"
    for name in (
        "learning_rate", "optim", "lr_scheduler_type", "warmup_steps", "weight_decay",
        "label_smoothing_factor", "max_grad_norm", "gradient_accumulation_steps", "max_steps",
        "num_train_epochs", "eval_steps", "logging_steps", "report_to",
    )
}  # fmt: skip
MINIMUM_TEXT = 8  # tokens
FOLDER_NAME = re.compile(r"\w[\w.+-]*")
TRACKERS = {"tensorboard": "tensorboard", "mlflow": "mlflow", "wandb": "wandb",
            "trackio": "trackio"}  # fmt: skip


def check(settings: Settings, facts: ModelFacts) -> list[Problem]:
    """Every problem between settings; an empty list where there is none."""
    return [*_lengths(settings, facts), *check_without_model(settings)]


def check_without_model(settings: Settings) -> list[Problem]:
    """Those problems that can be found without knowing the model."""
    return [
        *_names(settings),
        *_data(settings),
        *_library_options(settings),
        *beforehand(settings),
        *_tune(settings),
        *_method_and_model(settings),
        *_trackers(settings),
        *_headline(settings),
        *_language(settings),
        *_outputs(settings),
        *check_template(settings.template, task_of(settings.task)),
    ]


def _names(settings: Settings) -> list[Problem]:
    """The names that become folders."""
    named = {"task": settings.task.name, "model": settings.model.name,
             "method": settings.method.name}  # fmt: skip
    return [
        Problem(
            f"{group}.name",
            f"becomes a folder's name, so it cannot be {name!r}",
            "Use letters, digits, dots, - and _.",
        )
        for group, name in named.items()
        if not FOLDER_NAME.fullmatch(name)
    ]


def _data(settings: Settings) -> list[Problem]:
    from tunebook.data.checks import check_request

    try:
        check_request(settings.data, task_of(settings.task))
    except RequestError as error:
        return error.problems
    return []


def _library_options(settings: Settings) -> list[Problem]:
    arguments = settings.training.arguments
    problems = unknown_options(arguments, "training.arguments", TRAINING_ARGUMENTS, OURS, REFUSED)
    module = methods.module_of(settings.method.kind)
    given: dict[str, Any] = getattr(settings.method, "peft", {})
    if module.PEFT_CONFIG:
        source = ("peft", *module.PEFT_CONFIG)
        ours = {**module.SET_HERE, "task_type": "model.family", "peft_type": "method"}
        problems += unknown_options(given, "method.peft", source, ours, REFUSED_BY_PEFT)
    return problems


def _lengths(settings: Settings, facts: ModelFacts) -> list[Problem]:
    """A context shared by virtual tokens, text and, in a decoder-only model, the answer."""
    positions, longest = decoder_positions(settings, facts), settings.decoding.max_new_tokens
    if positions is not None and longest > positions:
        what = f"{longest} are more than the {positions} positions that the model's decoder has"
        remedy = f"Set at most {positions}, or choose another model."
        return [Problem("decoding.max_new_tokens", what, remedy)]
    taken = {"method.num_virtual_tokens": virtual_tokens(settings)}
    if facts.family == "decoder-only":
        taken["decoding.max_new_tokens"] = settings.decoding.max_new_tokens
    if facts.context is None or facts.context - sum(taken.values()) >= MINIMUM_TEXT:
        return []
    largest = max(taken, key=lambda key: taken[key])
    sizes = " and ".join(f"{key}={tokens}" for key, tokens in taken.items() if tokens)
    what = f"{sizes} leave no room for text in the model's context of {facts.context} tokens"
    return [Problem(largest, what, "Lower it, or choose a model with a longer context.")]


def decoder_positions(settings: Settings, facts: ModelFacts) -> int | None:
    """Tokens of an answer that an encoder-decoder's decoder has positions for; None for no limit.

    Those of a prefix stand in front of them.
    """
    if facts.family != "encoder-decoder" or facts.decoder_context is None:
        return None
    in_front = virtual_tokens(settings) if settings.method.kind == "prefix" else 0
    return max(0, facts.decoder_context - in_front)


def virtual_tokens(settings: Settings) -> int:
    """Positions that the method adds in front of each input."""
    return getattr(settings.method, "num_virtual_tokens", 0)


def _method_and_model(settings: Settings) -> list[Problem]:
    problems = []
    if settings.model.gradient_checkpointing and settings.method.kind == "prefix":
        what = "prefix tuning needs the cache that gradient checkpointing switches off"
        remedy = "Set it to false, or choose method=prompt or method=lora."
        problems.append(Problem("model.gradient_checkpointing", what, remedy))
    if settings.model.quantization != "none" and settings.method.kind == "full":
        what = "quantized weights cannot be trained"
        remedy = "Set it to none, or choose method=lora."
        problems.append(Problem("model.quantization", what, remedy))
    return problems


def _tune(settings: Settings) -> list[Problem]:
    known = [where for where, _ in every_key()]
    return [
        Problem("tune.fixed", f"there is no key {key}", _near(key, known))
        for key in settings.tune.fixed
        if key not in known
    ]


def _near(key: str, known: list[str]) -> str:
    remedy = did_you_mean(key, known)
    return remedy if remedy.startswith("Did you mean") else "See --help."


def _trackers(settings: Settings) -> list[Problem]:
    return [
        Problem("training.report_to", f"{name} is not installed", f"Run: pip install {package}")
        for name, package in TRACKERS.items()
        if name in settings.training.report_to and importlib.util.find_spec(package) is None
    ]


def _language(settings: Settings) -> list[Problem]:
    from tunebook.metrics.text import primary_language

    problems = []
    for key in ("language", "source_language"):
        try:
            primary_language(getattr(settings.task, key, "en"))
        except ValueError:
            what = f"{getattr(settings.task, key)!r} is not a language code"
            problems.append(Problem(f"task.{key}", what, "Give one such as en, fr, zh."))
    return problems or [
        Problem(
            f"task.{key}",
            f"no language of ISO 639-1 has the code {getattr(settings.task, key)!r}, so that no "
            "instruction can name it",
            "Give another code, or the whole task.instruction.",
        )
        for key in unnamed_languages(settings.task)
    ]


def _outputs(settings: Settings) -> list[Problem]:
    """The nearest folder that is there must take new files."""
    if not settings.outputs.strip():
        return [Problem("outputs", "names no folder", "Leave it out for ./outputs.")]
    path = Path(settings.outputs).expanduser().absolute()
    there = next(one for one in (path, *path.parents) if one.exists())
    if not there.is_dir():
        return [Problem("outputs", f"{there} is a file, not a folder", "Name another folder.")]
    if not os.access(there, os.W_OK | os.X_OK):
        return [Problem("outputs", f"{there} cannot be written to", "Name another folder.")]
    return []


def _headline(settings: Settings) -> list[Problem]:
    from tunebook.metrics import catalogue

    try:
        known = [key for group in task_of(settings.task).metrics for key in catalogue.keys(group)]
    except ValueError as error:
        return [Problem(f"the metrics of {settings.task.name}", str(error))]
    headline = settings.task.headline
    if headline in known:
        return []
    what = f"{headline!r} is no metric of {settings.task.name}"
    return [Problem("task.headline", what, did_you_mean(headline, known))]
