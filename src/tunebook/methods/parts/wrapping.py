"""A frozen base model wrapped by PEFT."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunebook import tasks
from tunebook.errors import Problem, RequestError
from tunebook.schema import Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base

TASK_TYPES = {"encoder-decoder": "SEQ_2_SEQ_LM", "decoder-only": "CAUSAL_LM"}


def peft_config(
    cls: Any, base: Base, settings: Settings, options: dict[str, Any], more: dict[str, Any],
    sizes: dict[str, int] | None = None,
) -> Any:  # fmt: skip
    """PEFT's configuration from our options and those given as `method.peft.KEY`.

    `sizes` are the model's own, which PEFT would guess. Raises RequestError where a given one is
    another, and with PEFT's own words where it refuses a value.
    """
    sizes = sizes or {}
    if sizes:  # PEFT asks for heads and layers where it has no use for them, too
        heads, layers = base.facts.heads or 1, base.facts.layers or 1
        options = {"num_attention_heads": heads, "num_layers": layers, **options}
    if problems := _contradictions(more, sizes):
        raise RequestError(problems)
    given = {
        "task_type": TASK_TYPES[base.facts.family],
        "revision": settings.model.revision,
        **options,
        **copy.deepcopy(more),
        **sizes,
    }
    try:
        return cls(**given)
    except (TypeError, ValueError) as refusal:
        raise _refused(refusal) from refusal


def _contradictions(given: dict[str, Any], sizes: dict[str, int]) -> list[Problem]:
    remedy = "Leave it out: it is measured."
    return [
        Problem(f"method.peft.{name}", f"is {given[name]}, but in this model it is {size}", remedy)
        for name, size in sizes.items()
        if given.get(name) not in (None, size)
    ]


def instruction_of(settings: Settings) -> str:
    """The words of the task, from which learned vectors start."""
    return tasks.instruction_of(settings.task)


def wrap(base: Base, config: Any) -> Any:
    """The PEFT model around `base.model`; only the adapter requires gradients."""
    model = _peft_model(base.model, config)
    config.base_model_name_or_path = base.facts.path
    return model


def rehearse(base: Base, config: Any) -> Any:
    """Wrap a copy of the model that has shapes and no numbers, to see whether PEFT takes it.

    Returns it. Raises RequestError, with PEFT's own words where it is PEFT that refuses.
    """
    import torch

    with torch.device("meta"):
        shapes = type(base.model)(base.model.config)
    config = copy.deepcopy(config)
    computed = getattr(config, "init_lora_weights", None)
    if isinstance(computed, str):
        _rehearse_start(config)
        config.init_lora_weights = True
    with torch.device("meta"):
        wrapped = _peft_model(shapes, config)
    if isinstance(computed, str) and (narrowest := _narrowest_layer(wrapped)) < config.r:
        what = f"the start {computed} takes r={config.r} directions out of a layer {narrowest} wide"
        raise RequestError(Problem("method.r", what, f"Use {narrowest} or less."))
    return wrapped


def _narrowest_layer(model: Any) -> int:
    layers = [one for one in model.modules() if getattr(one, "lora_A", None)]
    return min(min(one.get_base_layer().weight.shape) for one in layers)


def _rehearse_start(config: Any) -> None:
    """A start that is computed from a layer's numbers, on one small layer."""
    import torch
    from peft import inject_adapter_in_model

    config = copy.deepcopy(config)
    config.target_modules, config.r = ["layer"], min(config.r, 4)
    layer = torch.nn.ModuleDict({"layer": torch.nn.Linear(8, 8)})
    with torch.random.fork_rng(), _refusals_told():
        inject_adapter_in_model(config, layer)


def _peft_model(model: Any, config: Any) -> Any:
    from peft import get_peft_model

    sizes = _sizes_in(config)
    with _refusals_told():
        wrapped = get_peft_model(model, config)
    if (taken := _sizes_in(config)) != sizes:
        what = f"PEFT takes {taken} for this model, whose layers have {sizes}"
        raise RequestError(Problem("method", what, "Choose another method, such as lora."))
    return wrapped


@contextmanager
def _refusals_told() -> Iterator[None]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            yield
    except (TypeError, ValueError, KeyError, ImportError) as refusal:
        raise _refused(refusal) from refusal


def _sizes_in(config: Any) -> dict[str, int | None]:
    return {name: getattr(config, name, None) for name in SIZES}


SIZES = ("token_dim", "num_attention_heads", "num_layers")


def _refused(refusal: Exception) -> RequestError:
    first = str(refusal).strip().splitlines()[0]
    return RequestError(Problem("method", f"PEFT refuses these options: {first}"))
