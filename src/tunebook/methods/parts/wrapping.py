"""A frozen base model wrapped by PEFT."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

from tunebook import tasks
from tunebook.errors import Problem, RequestError
from tunebook.settings.schema import Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base

TASK_TYPES = {"encoder-decoder": "SEQ_2_SEQ_LM", "decoder-only": "CAUSAL_LM"}


def peft_config(
    cls: Any, base: Base, settings: Settings, options: dict[str, Any], more: dict[str, Any]
) -> Any:
    """PEFT's configuration from our options and those given as `method.peft.KEY`.

    Raises RequestError with PEFT's own words where it refuses a value.
    """
    given = {
        "task_type": TASK_TYPES[base.facts.family],
        "revision": settings.model.revision,
        **options,
        **copy.deepcopy(more),
    }
    try:
        return cls(**given)
    except (TypeError, ValueError) as refusal:
        raise _refused(refusal) from refusal


def instruction_of(settings: Settings) -> str:
    """The words of the task, from which learned vectors start."""
    return tasks.instruction_of(settings.task)


def wrap(base: Base, config: Any) -> Any:
    """The PEFT model around `base.model`; only the adapter requires gradients."""
    model = _peft_model(base.model, config)
    config.base_model_name_or_path = base.facts.path
    return model


def rehearse(base: Base, config: Any) -> None:
    """Wrap a copy of the model that has shapes and no numbers, to see whether PEFT takes it.

    Raises RequestError with PEFT's own words where it does not.
    """
    import torch

    with torch.device("meta"):
        shapes = type(base.model)(base.model.config)
    _peft_model(shapes, copy.deepcopy(config))


def _peft_model(model: Any, config: Any) -> Any:
    from peft import get_peft_model

    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
            return get_peft_model(model, config)
    except (TypeError, ValueError, KeyError) as refusal:
        raise _refused(refusal) from refusal


def _refused(refusal: Exception) -> RequestError:
    first = str(refusal).strip().splitlines()[0]
    return RequestError(Problem("method", f"PEFT refuses these options: {first}"))
