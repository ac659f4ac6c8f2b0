"""Prefix tuning: learned keys and values in every layer (Li and Liang 2021, arXiv 2101.00190)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods.parts.wrapping import instruction_of, peft_config, wrap
from tunebook.schema import MethodSettings, Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

PEFT_CONFIG = ("tuners/prefix_tuning/config.py", "PrefixTuningConfig")
SET_HERE = {"num_virtual_tokens": "method.num_virtual_tokens", "init_weights": "method.init"}
GROWS_WITH = ("num_virtual_tokens",)


@dataclass
class OPTIONS(MethodSettings):
    """How many positions, and where their keys and values start."""

    num_virtual_tokens: int = setting(20, "learned positions in front of every layer", at_least=1)
    init: str = setting("text", "where keys and values start", choices=("text", "random", "zero"))
    init_text: str | None = setting(None, "start from this text; null: the task's instruction")
    peft: dict[str, Any] = setting({}, "any other option of peft.PrefixTuningConfig")


def config(base: Base, settings: Settings) -> Any:
    """PEFT's configuration for these settings."""
    from peft import PrefixTuningConfig

    from tunebook.methods.parts.shapes import sizes_of_prefix

    method = settings.method
    assert isinstance(method, OPTIONS)
    options = {
        "num_virtual_tokens": method.num_virtual_tokens,
        "init_weights": "zero" if method.init == "zero" else None,
    }
    sizes = sizes_of_prefix(base)
    return peft_config(PrefixTuningConfig, base, settings, options, method.peft, sizes)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """`base.model` with a learned prefix; it reaches only the decoder of an encoder-decoder."""
    from peft import initialize_kv_prefix_from_past_key_values

    from tunebook.methods.parts.initial import prefix_cache

    method = settings.method
    assert isinstance(method, OPTIONS)
    text = method.init_text or instruction_of(settings)
    from_text = method.init == "text" and not method.peft.get("prefix_projection")
    cache = prefix_cache(base, method.num_virtual_tokens, text) if from_text else None
    model = wrap(base, config(base, settings))
    if cache is not None:
        initialize_kv_prefix_from_past_key_values(model, past_key_values=cache)
    return model
