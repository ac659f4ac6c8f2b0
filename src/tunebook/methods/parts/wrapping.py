"""A frozen base model wrapped by PEFT."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError, did_you_mean

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.models.facts import ModelFacts

TASK_TYPES = {"encoder-decoder": "SEQ_2_SEQ_LM", "decoder-only": "CAUSAL_LM"}
SIZES = ("token_dim", "num_attention_heads", "num_layers")


def class_of(peft_type: str) -> Any:
    """PEFT's class of options of a method. Raises RequestError where PEFT has no such method."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    classes = {kind.value: found for kind, found in PEFT_TYPE_TO_CONFIG_MAPPING.items()}
    if peft_type not in classes:
        what = f"the installed peft has no method {peft_type!r}"
        raise RequestError(Problem("method.peft_type", what, did_you_mean(peft_type, classes)))
    return classes[peft_type]


def peft_config(
    cls: Any, facts: ModelFacts, options: dict[str, Any], more: dict[str, Any],
    sizes: dict[str, int],
) -> Any:  # fmt: skip
    """PEFT's configuration from our options and those given as `method.peft.KEY`.

    `sizes` are the model's own, which PEFT would guess. Raises RequestError where a given one is
    another, and with PEFT's own words where it refuses a value.
    """
    if sizes:  # PEFT asks for heads and layers where it has no use for them, too
        options = {"num_attention_heads": facts.heads or 1, "num_layers": facts.layers or 1,
                   **options}  # fmt: skip
    if problems := _contradictions(more, sizes):
        raise RequestError(problems)
    with refusals_told():
        return cls(
            **{"task_type": TASK_TYPES[facts.family], **options, **copy.deepcopy(more), **sizes}
        )


def _contradictions(given: dict[str, Any], sizes: dict[str, int]) -> list[Problem]:
    remedy = "Leave it out: it is measured."
    return [
        Problem(f"method.peft.{name}", f"is {given[name]}, but in this model it is {size}", remedy)
        for name, size in sizes.items()
        if given.get(name) not in (None, size)
    ]


def wrap(base: Base, config: Any) -> Any:
    """The PEFT model around `base.model`; only the adapter requires gradients."""
    model = _peft_model(base.model, config)
    config.base_model_name_or_path = base.facts.path
    return model


def rehearse(base: Base, config: Any, device: str = "meta") -> Any:
    """Wrap a copy of the model that has shapes and no numbers, to see whether PEFT takes it.

    Returns it. Raises RequestError, with PEFT's own words where it is PEFT that refuses. On another
    `device` than meta the copy has numbers, drawn at random.
    """
    import torch

    with torch.device(device):
        shapes = type(base.model)(base.model.config)
        return _peft_model(shapes, copy.deepcopy(config))


def _peft_model(model: Any, config: Any) -> Any:
    from peft import get_peft_model

    sizes = _sizes_in(config)
    with refusals_told():
        wrapped = get_peft_model(model, config)
    if (taken := _sizes_in(config)) != sizes:
        what = f"PEFT takes {taken} for this model, whose layers have {sizes}"
        raise RequestError(Problem("method", what, "Choose another method, such as lora."))
    return wrapped


def _sizes_in(config: Any) -> dict[str, int | None]:
    return {name: getattr(config, name, None) for name in SIZES}


@contextmanager
def refusals_told() -> Iterator[None]:
    """What PEFT refuses inside as a RequestError, with the first line of its own words."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            yield
    except (TypeError, ValueError, KeyError, ImportError) as refusal:
        first = str(refusal).strip().splitlines()[0]
        what = f"PEFT refuses these options: {first}"
        raise RequestError(Problem("method", what)) from refusal
