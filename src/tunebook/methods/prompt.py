"""Prompt tuning: learned vectors in front of the input (Lester et al. 2021, arXiv 2104.08691)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods.parts.wrapping import instruction_of, peft_config, wrap
from tunebook.schema import MethodSettings, Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

PEFT_CONFIG = ("tuners/prompt_tuning/config.py", "PromptTuningConfig")
SET_HERE = {
    "num_virtual_tokens": "method.num_virtual_tokens",
    "prompt_tuning_init": "method.init",
    "prompt_tuning_init_text": "method.init_text",
}
SOFT_PROMPT = True
GROWS_WITH = ("num_virtual_tokens",)


@dataclass
class OPTIONS(MethodSettings):
    """How many vectors, and where they start."""

    num_virtual_tokens: int = setting(20, "learned vectors in front of the input", at_least=1)
    init: str = setting("text", "where the vectors start", choices=("text", "vocabulary", "random"))
    init_text: str | None = setting(None, "start from this text; null: the task's instruction")
    peft: dict[str, Any] = setting({}, "any other option of peft.PromptTuningConfig")


def config(base: Base, settings: Settings) -> Any:
    """PEFT's configuration for these settings.

    An encoder-decoder model gets the prompt in front of its encoder alone: PEFT's own default
    doubles the vectors for a decoder that never sees them.
    """
    from peft import PromptTuningConfig

    from tunebook.methods.parts.shapes import sizes_of_prompt

    method = settings.method
    assert isinstance(method, OPTIONS)
    options = {
        "num_virtual_tokens": method.num_virtual_tokens,
        "num_transformer_submodules": 1,
        "prompt_tuning_init": "RANDOM",
    }
    sizes = sizes_of_prompt(base)
    return peft_config(PromptTuningConfig, base, settings, options, method.peft, sizes)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """`base.model` behind a soft prompt, computed once a batch where the model can."""
    from tunebook.engine.shared import share
    from tunebook.methods.parts.initial import prompt_vectors

    method = settings.method
    assert isinstance(method, OPTIONS)
    model = wrap(base, config(base, settings))
    text = method.init_text or instruction_of(settings)
    start = prompt_vectors(base, method.init, method.num_virtual_tokens, text)
    model.prompt_encoder["default"].embedding.weight.data.copy_(start)
    say(share(model))
    return model
