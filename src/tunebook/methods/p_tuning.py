"""P-tuning: a soft prompt that a small network writes (Liu et al. 2021, arXiv 2103.10385).

The network is trained and thrown away: what it writes at the end is a soft prompt as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods.parts.wrapping import peft_config, wrap
from tunebook.schema import MethodSettings, Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

PEFT_CONFIG = ("tuners/p_tuning/config.py", "PromptEncoderConfig")
SET_HERE = {
    name: f"method.{name}"
    for name in ("num_virtual_tokens", "encoder_reparameterization_type", "encoder_hidden_size")
}
SOFT_PROMPT = True
GROWS_WITH = ("num_virtual_tokens", "encoder_hidden_size")


@dataclass
class OPTIONS(MethodSettings):
    """How many vectors, and the network that writes them, by PEFT's names."""

    num_virtual_tokens: int = setting(20, "learned vectors in front of the input", at_least=1)
    encoder_reparameterization_type: str = setting(
        "MLP", "network that writes the vectors", choices=("MLP", "LSTM")
    )
    encoder_hidden_size: int | None = setting(
        None, "its inner width; null: that of the model's embeddings", at_least=1
    )
    peft: dict[str, Any] = setting({}, "any other option of peft.PromptEncoderConfig")


def config(base: Base, settings: Settings) -> Any:
    """PEFT's configuration for these settings; as for prompt tuning, no vectors for a decoder."""
    from peft import PromptEncoderConfig

    from tunebook.methods.parts.shapes import sizes_of_prompt

    method = settings.method
    assert isinstance(method, OPTIONS)
    options = {name: getattr(method, name) for name in SET_HERE}
    options["num_transformer_submodules"] = 1
    sizes = sizes_of_prompt(base)
    return peft_config(PromptEncoderConfig, base, settings, options, method.peft, sizes)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """`base.model` behind a soft prompt and its network, both drawn at random by PEFT."""
    from tunebook.engine.shared import share

    model = wrap(base, config(base, settings))
    say(share(model))
    return model
