"""What PEFT and transformers would refuse, some of it only after the work: they are asked here.

An import of them takes seconds, so that it waits for options beyond the usual ones.
`training.train.check` asks them again, with everything, once the model is loaded.
"""

from __future__ import annotations

import dataclasses
import enum
import importlib.util
import inspect
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tunebook.errors import Problem, RequestError, did_you_mean, either
from tunebook.methods.method import OPEN, Method
from tunebook.schema import Settings

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
PLAIN_SCHEDULES = ("linear", "cosine", "polynomial", "constant", "constant_with_warmup")
"""They need no options."""
GIVEN = ("optimizer", "num_warmup_steps", "num_training_steps", "last_epoch")
ONE_OF = dict.fromkeys(
    ("cosine_with_min_lr", "cosine_warmup_with_min_lr"), ("min_lr", "min_lr_rate")
)
ARGUMENTS, KWARGS = "training.arguments", "lr_scheduler_kwargs"

SET_HERE = {
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
}
SAME_NAME = (
    "learning_rate optim lr_scheduler_type warmup_steps weight_decay label_smoothing_factor "
    "max_grad_norm gradient_accumulation_steps max_steps num_train_epochs eval_steps logging_steps "
    "report_to"
)
SET_HERE |= {name: f"training.{name}" for name in SAME_NAME.split()}
"""Options of TrainingArguments that have a key of ours."""
ONE_PROCESS = ("is for several processes, and a run has one", "Remove it.")
REFUSED = {
    "save_only_model": ("leaves out what a run needs that goes on after a break", "Remove it."),
    "ignore_data_skip": ("would show a run that goes on after a break other rows", "Remove it."),
    "eval_on_start": ("decides on a validation that every run needs", "Remove it."),
    "eval_delay": ("leaves out validations that the history needs", "Remove it."),
    "auto_find_batch_size": ("changes the batch size without a word", "Set training.batch_size."),
    **dict.fromkeys(("deepspeed", "fsdp", "fsdp_config", "parallelism_config"), ONE_PROCESS),
}
WRITTEN = ("is written by PEFT itself", "Remove it.")
REFUSED_BY_PEFT = {
    "inference_mode": ("freezes what is to be trained", "Remove it."),
    "base_model_name_or_path": WRITTEN,
    "revision": WRITTEN,
    "auto_mapping": WRITTEN,
    "peft_version": WRITTEN,
}
MOST_LISTED = 25
SHORTEST_START = 3
ANYTHING = "anything"
PLAIN = {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict",
         type(None): "null"}  # fmt: skip


def training_options(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the options below training.arguments, for any method."""
    if not (given := settings.training.arguments):
        return
    from transformers import TrainingArguments

    known = Options(TrainingArguments, SET_HERE, REFUSED)
    yield from known.problems(given, ARGUMENTS)
    for name, value in given.items() if settings.method.trains else ():
        words = known.words(name)
        if words and isinstance(value, str) and value not in words:
            what = f"TrainingArguments refuses these options: {name}={value!r}"
            yield Problem("training", what, did_you_mean(value, words))


def method_options(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the options below method.peft."""
    method = settings.method
    if not isinstance(method, Method) or not (given := getattr(method, OPEN, {})):
        return
    try:
        cls = method.peft_class
    except RequestError as error:
        yield from error.problems
        return
    ours = {**method.set_here, "task_type": "model.family", "peft_type": "method"}
    yield from Options(cls, ours, REFUSED_BY_PEFT).problems(given, f"method.{OPEN}")


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of a class of PEFT's or transformers', and what Tunebook makes of them.

    `set_here` maps an option that Tunebook sets itself to the key to use instead; `refused` one
    that no run can have to what is wrong with it, and the remedy.
    """

    cls: Any
    set_here: Mapping[str, str]
    refused: Mapping[str, tuple[str, str]] = dataclasses.field(default_factory=dict)

    @property
    def types(self) -> dict[str, Any]:
        """Each option with its type."""
        return typing.get_type_hints(self.cls)

    def words(self, name: str) -> list[str]:
        """The words of an enumeration of which the option `name` takes one; else none."""
        kinds = _alternatives(self.types.get(name))
        if list in map(_outer, kinds):
            return []
        enums = [one for one in kinds if isinstance(one, type) and issubclass(one, enum.Enum)]
        return [str(member.value) for one in enums for member in one]

    def problems(self, given: Mapping[str, Any], where: str) -> Iterator[Problem]:
        """What is wrong with the options `given` below the key `where`."""
        for name, value in given.items():
            if wrong := self.refused.get(name) or self._wrong(name, value):
                yield Problem(f"{where}.{name}", *wrong)

    def _wrong(self, name: str, value: Any) -> tuple[str, str] | None:
        known, of = self.types, self.cls.__name__
        if name in self.set_here:
            return "is set by Tunebook", f"Use {self.set_here[name]} instead."
        if name not in known:
            what = f"{of} of the installed {_package(self.cls)} has no such option"
            return what, nearest(name, known.keys() - self.set_here.keys(), self.cls)
        takes = {_name_of(one) for one in _alternatives(known[name])}
        if ANYTHING in takes or _name_of_value(value) & takes:
            return None
        return f"{of} takes {' or '.join(sorted(takes - {'null'}))}, got {value!r}", ""


def _package(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _alternatives(hint: Any) -> list[Any]:
    """The types of a union, the values of a literal by their types."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return [kind for one in typing.get_args(hint) for kind in _alternatives(one)]
    return [type(one) for one in typing.get_args(hint)] if origin is typing.Literal else [hint]


def _outer(kind: Any) -> Any:
    return typing.get_origin(kind) or kind


def _name_of(kind: Any) -> str:
    return PLAIN.get(_outer(kind), ANYTHING)


def _name_of_value(value: Any) -> set[str]:
    """The plain types that take a value: a whole number is any number."""
    names = {name for kind, name in PLAIN.items() if type(value) is kind}
    return names | ({"float"} if "int" in names else set())


def nearest(name: str, known: Iterable[str], cls: type) -> str:
    """The nearest of `known`, or all of them where they are few, or where to find them."""
    known = list(known)
    longer = sorted((one for one in known if one.startswith(name)), key=lambda one: (len(one), one))
    remedy = did_you_mean(name, known)
    if longer and len(name) >= SHORTEST_START and "Did you mean" not in remedy:
        return f"Did you mean {longer[0]}?"
    if "Did you mean" in remedy or remedy.count(",") < MOST_LISTED:
        return remedy
    return f"They are listed in the documentation of {_package(cls)}.{cls.__name__}."


def missing_package(optimizer: str) -> str | None:
    """What to install for an optimizer of transformers; None where it is there."""
    if optimizer in BUILT_IN:
        return None
    module, name = next(
        found for start, found in OPTIMIZER_PACKAGES.items() if optimizer.startswith(start)
    )
    return None if importlib.util.find_spec(module) else name


def optimizer(settings: Settings) -> Iterator[Problem]:
    """What keeps transformers from making the optimizer, once a run trains."""
    given = settings.training.optim
    if not settings.method.trains or given in (None, *BUILT_IN):
        return
    from transformers import TrainingArguments
    from transformers.training_args import OptimizerNames

    known, key = [str(one.value) for one in OptimizerNames], "training.optim"
    targets = settings.training.arguments.get("optim_target_modules")
    if given not in known:
        usable = [name for name in known if missing_package(name) is None]
        what = f"transformers has no {given!r}"
        yield Problem(key, what, nearest(given, usable, TrainingArguments))
    elif package := missing_package(given):
        what = f"{given} needs {package}, which is not installed"
        yield Problem(key, what, f"Run: pip install {package}")
    elif given.startswith(WITH_TARGETS) and not targets:
        what = f"{given} has to be told which layers it is for"
        yield Problem(key, what, f"Set {ARGUMENTS}.optim_target_modules.")


def schedule(settings: Settings) -> Iterator[Problem]:
    """What keeps transformers from making the schedule of the learning rate."""
    given, options = settings.training.lr_scheduler_type, settings.training.arguments.get(KWARGS)
    if not settings.method.trains or given is None or (given in PLAIN_SCHEDULES and not options):
        return
    from transformers import SchedulerType, TrainingArguments

    known = [str(one.value) for one in SchedulerType]
    if given not in known:
        what = f"transformers has no {given!r}"
        remedy = nearest(given, known, TrainingArguments)
        yield Problem("training.lr_scheduler_type", what, remedy)
    elif isinstance(options or {}, Mapping):
        yield from _schedule_options(given, options or {})


def _schedule_options(name: str, given: Mapping[str, Any]) -> Iterator[Problem]:
    required, optional, takes_any = _arguments_of(name)
    where, for_it = f"{ARGUMENTS}.{KWARGS}", f"training.lr_scheduler_type={name}"
    for key in required:
        if key not in given:
            yield Problem(f"{where}.{key}", f"{for_it} needs it", f"Set {where}.{key}.")
    one_of = ONE_OF.get(name, ())
    if one_of and sum(given.get(key) is not None for key in one_of) != 1:
        what = f"{for_it} needs one of {either(one_of)}"
        yield Problem(where, what, f"Set {where}.{one_of[-1]}=0.1")
    known = [*required, *optional]
    for key in given:
        if key not in known and not takes_any:
            what = f"{for_it} takes no such option"
            yield Problem(f"{where}.{key}", what, did_you_mean(str(key), known))


def _arguments_of(name: str) -> tuple[list[str], list[str], bool]:
    """The options that a schedule needs, those that it may get, and whether it takes any other."""
    from transformers import SchedulerType
    from transformers.optimization import TYPE_TO_SCHEDULER_FUNCTION as MADE_BY

    makes: Any = MADE_BY[SchedulerType(name)]
    known = inspect.signature(makes).parameters
    any_other = [key for key, one in known.items() if one.kind is one.VAR_KEYWORD]
    own = [key for key in known if key not in (*GIVEN, *any_other)]
    required = [key for key in own if known[key].default is inspect.Parameter.empty]
    return required, [key for key in own if key not in required], bool(any_other)
