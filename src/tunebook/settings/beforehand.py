"""What the libraries would find out only after the work: read from their source, or told here.

`training.train.check` asks the libraries themselves, once the model is loaded; all that can be
known without them is found by these functions before anything is.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterator, Mapping
from typing import Any

from tunebook import methods
from tunebook.errors import Problem, did_you_mean, either
from tunebook.schema import Settings
from tunebook.settings.installed import (
    OPTIMIZERS,
    SCHEDULES,
    TRAINING_ARGUMENTS,
    enumerated,
    nearest,
    source_of,
    values_of,
)
from tunebook.tasks import task_of

BUILT_IN = ("adamw_torch", "adamw_torch_fused", "adafactor", "sgd", "adagrad", "rmsprop")
OPTIMIZER_PACKAGES = {
    "adamw_torch_xla": ("torch_xla", "torch_xla"),
    "adamw_torch_npu": ("torch_npu", "torch_npu"),
    "adamw_torch": ("torchao", "torchao"),
    "adamw_anyprecision": ("torchdistx", "torchdistx"),
    "galore": ("galore_torch", "galore-torch"),
    "lomo": ("lomo_optim", "lomo-optim"),
    "adalomo": ("lomo_optim", "lomo-optim"),
    "grokadamw": ("grokadamw", "grokadamw"),
    "schedule_free": ("schedulefree", "schedulefree"),
    "apollo": ("apollo_torch", "apollo-torch"),
    "stable_adamw": ("optimi", "torch-optimi"),
    "": ("bitsandbytes", "bitsandbytes"),
}
"""By how a name begins, the package that has the optimizer, and what pip calls it."""
WITH_TARGETS = ("galore", "apollo")
GIVEN = ("optimizer", "num_warmup_steps", "num_training_steps", "last_epoch")
ONE_OF = {"cosine_with_min_lr": ("min_lr", "min_lr_rate"),
          "cosine_warmup_with_min_lr": ("min_lr", "min_lr_rate")}  # fmt: skip
KWARGS = "lr_scheduler_kwargs"

ONE_PROCESS = ("is for several processes, and a run has one", "Remove it.")
REFUSED = {
    "save_only_model": ("leaves out what a run needs that goes on after a break", "Remove it."),
    "ignore_data_skip": ("would show a run that goes on after a break other rows", "Remove it."),
    "eval_on_start": ("decides on a validation that every run needs", "Remove it."),
    "eval_delay": ("leaves out validations that the history needs", "Remove it."),
    "auto_find_batch_size": ("changes the batch size without a word", "Set training.batch_size."),
    "deepspeed": ONE_PROCESS, "fsdp": ONE_PROCESS, "fsdp_config": ONE_PROCESS,
    "parallelism_config": ONE_PROCESS,
}  # fmt: skip
REFUSED_BY_PEFT = {
    "inference_mode": ("freezes what is to be trained", "Remove it."),
    **dict.fromkeys(("base_model_name_or_path", "revision", "auto_mapping", "peft_version"),
                    ("is written by PEFT itself", "Remove it.")),
}  # fmt: skip


def beforehand(settings: Settings) -> list[Problem]:
    """Everything of this kind that is wrong with `settings`."""
    return [*_metrics(settings), *(_training(settings) if methods.trains(settings.method) else ())]


def _training(settings: Settings) -> Iterator[Problem]:
    yield from _optimizer(settings)
    yield from _schedule(settings)
    yield from _arguments(settings)


def _metrics(settings: Settings) -> Iterator[Problem]:
    from tunebook.metrics.text import primary_language
    from tunebook.metrics.tokenizers import tokenizer_for

    if "bleu" not in task_of(settings.task).metrics:
        return
    try:
        language = primary_language(settings.task.language)
    except ValueError:
        return  # told by its own check
    try:
        tokenizer_for(language)
    except ValueError as error:
        yield Problem("task.language", str(error))


def missing_package(optimizer: str) -> str | None:
    """What to install for an optimizer of transformers; None where it is there."""
    if optimizer in BUILT_IN:
        return None
    module, name = next(found for start, found in OPTIMIZER_PACKAGES.items()
                        if optimizer.startswith(start))  # fmt: skip
    return None if importlib.util.find_spec(module) else name


def _optimizer(settings: Settings) -> Iterator[Problem]:
    given, known = settings.training.optim, values_of(*OPTIMIZERS)
    if not given or not known:
        return
    if given not in known:
        usable = [name for name in known if missing_package(name) is None]
        yield Problem("training.optim", f"transformers has no {given!r}",
                      nearest(given, usable, TRAINING_ARGUMENTS))  # fmt: skip
    elif package := missing_package(given):
        what = f"{given} needs {package}, which is not installed"
        yield Problem("training.optim", what, f"Run: pip install {package}")
    elif given.startswith(WITH_TARGETS) and not settings.training.arguments.get(
        "optim_target_modules"
    ):
        what = f"{given} has to be told which layers it is for"
        yield Problem("training.optim", what, "Set training.arguments.optim_target_modules.")


def _schedule(settings: Settings) -> Iterator[Problem]:
    given, known = settings.training.lr_scheduler_type, values_of(*SCHEDULES)
    if not given or not known:
        return
    if given not in known:
        yield Problem("training.lr_scheduler_type", f"transformers has no {given!r}",
                      nearest(given, known, TRAINING_ARGUMENTS))  # fmt: skip
        return
    options = settings.training.arguments.get(KWARGS) or {}
    if isinstance(options, Mapping):
        yield from _schedule_options(given, options)


def _schedule_options(name: str, options: Mapping[str, Any]) -> Iterator[Problem]:
    required, optional = arguments_of_schedules().get(name, ((), None))
    where = f"training.arguments.{KWARGS}"
    for key in required:
        if key not in options:
            what = f"training.lr_scheduler_type={name} needs it"
            yield Problem(f"{where}.{key}", what, f"Set {where}.{key}.")
    one_of = ONE_OF.get(name, ())
    if one_of and sum(options.get(key) is not None for key in one_of) != 1:
        what = f"training.lr_scheduler_type={name} needs one of {either(one_of)}"
        yield Problem(where, what, f"Set {where}.{one_of[-1]}=0.1")
    if optional is None:
        return
    for key in options:
        if key not in (*required, *optional):
            what = f"training.lr_scheduler_type={name} takes no such option"
            yield Problem(f"{where}.{key}", what, did_you_mean(str(key), [*required, *optional]))


@functools.cache
def arguments_of_schedules() -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...] | None]]:
    """Of each schedule the options it needs and those it may get; None where it takes any."""
    tree = source_of("transformers", "optimization.py")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    names = source_of("transformers", "trainer_utils.py")
    values = {
        ast.unparse(item.targets[0]): str(ast.literal_eval(item.value))
        for node in names.body if isinstance(node, ast.ClassDef) and node.name == SCHEDULES[2]
        for item in node.body if isinstance(item, ast.Assign)
    }  # fmt: skip
    tables = (node.value for node in tree.body if isinstance(node, ast.Assign)
              and isinstance(node.value, ast.Dict))  # fmt: skip
    return {
        values[key.attr]: _arguments_of(functions[value.id])
        for table in tables
        for key, value in zip(table.keys, table.values, strict=True)
        if isinstance(key, ast.Attribute) and key.attr in values
        and isinstance(value, ast.Name) and value.id in functions
    }  # fmt: skip


def _arguments_of(function: ast.FunctionDef) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
    names = [argument.arg for argument in function.args.args]
    needed = names[: len(names) - len(function.args.defaults)]
    optional = [name for name in names if name not in needed and name not in GIVEN]
    required = tuple(name for name in needed if name not in GIVEN)
    return required, None if function.args.kwarg else tuple(optional)


def _arguments(settings: Settings) -> Iterator[Problem]:
    """Options of which TrainingArguments takes a few words only."""
    for name, value in settings.training.arguments.items():
        allowed = enumerated(*TRAINING_ARGUMENTS).get(name)
        if allowed and isinstance(value, str) and value not in allowed:
            what = f"TrainingArguments refuses these options: {name}={value!r}"
            yield Problem("training", what, did_you_mean(value, allowed))
