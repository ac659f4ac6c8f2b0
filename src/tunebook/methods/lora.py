"""LoRA: low-rank updates of linear layers (Hu et al. 2021, arXiv 2106.09685)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods.parts.wrapping import peft_config, wrap
from tunebook.schema import MethodSettings, Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

PEFT_CONFIG = ("tuners/lora/config.py", "LoraConfig")
CHANGE_THE_BASE = ("pissa", "olora", "corda", "lora_ga")
"""Starts that PEFT subtracts from the weights of the base."""
SET_HERE = {
    name: f"method.{name}"
    for name in ("r", "lora_alpha", "lora_dropout", "target_modules", "use_dora", "use_rslora")
}
GROWS_WITH = ("r",)


@dataclass
class OPTIONS(MethodSettings):
    """LoRA's own options, by PEFT's names."""

    r: int = setting(8, "rank of the updates: higher learns more and weighs more", at_least=1)
    lora_alpha: int = setting(16, "the update is scaled by lora_alpha / r", at_least=1)
    lora_dropout: float = setting(0.0, "dropout in front of the updates", at_least=0, at_most=0.99)
    target_modules: list[str] | None = setting(None, "layers to update; null: all linear layers")
    use_dora: bool = setting(False, "DoRA: learn magnitude and direction apart (slower)")
    use_rslora: bool = setting(False, "rsLoRA: scale by lora_alpha / sqrt(r), for high ranks")
    peft: dict[str, Any] = setting({}, "any other option of peft.LoraConfig")


def config(base: Base, settings: Settings) -> Any:
    """PEFT's configuration for these settings."""
    from peft import LoraConfig

    method = settings.method
    assert isinstance(method, OPTIONS)
    options = {name: getattr(method, name) for name in SET_HERE}
    options["target_modules"] = method.target_modules or "all-linear"
    return peft_config(LoraConfig, base, settings, options, method.peft)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """`base.model` with LoRA layers.

    A start taken out of the base's own weights is kept, to be taken off again when it is saved.
    """
    model = wrap(base, config(base, settings))
    if str(model.active_peft_config.init_lora_weights).startswith(CHANGE_THE_BASE):
        model.tunebook_start = {
            name: tensor.detach().clone()
            for name, tensor in model.state_dict().items()
            if "lora_" in name
        }
    return model
