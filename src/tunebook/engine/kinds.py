"""What a model that `attach` gives has in front of its input."""

from __future__ import annotations

from typing import Any

PLAIN, SOFT, PREFIX = "plain", "soft", "prefix"
KINDS = {"PROMPT_TUNING": SOFT, "P_TUNING": SOFT, "PREFIX_TUNING": PREFIX}


def kind_of(model: Any) -> str:
    """plain, soft or prefix; for any other method its name in PEFT, such as lora."""
    config = getattr(model, "active_peft_config", None)
    if config is None:
        return PLAIN
    name = config.peft_type.value
    return KINDS.get(name, name.lower())


def changes_layers_alone(model: Any) -> bool:
    """Whether the method lives inside the base's modules, so that the base itself is the model."""
    config = getattr(model, "active_peft_config", None)
    return config is not None and not config.is_prompt_learning


def base_of(model: Any) -> Any:
    """The transformers model: below PEFT's, or the model itself."""
    return model if kind_of(model) == PLAIN else model.get_base_model()
