"""LoRA: low-rank updates of linear layers (Hu et al. 2021, arXiv 2106.09685)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError
from tunebook.methods.method import Method
from tunebook.methods.parts.wrapping import refusals_told
from tunebook.schema import Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

CHANGE_THE_BASE = ("pissa", "olora", "corda", "lora_ga")
"""Starts that PEFT subtracts from the weights of the base."""


@dataclass
class LoRA(Method):
    """LoRA's own options, by PEFT's names."""

    r: int = setting(8, "rank of the updates: higher learns more and weighs more", at_least=1)
    lora_alpha: int = setting(16, "the update is scaled by lora_alpha / r", at_least=1)
    lora_dropout: float = setting(0.0, "dropout in front of the updates", at_least=0, at_most=0.99)
    target_modules: list[str] | None = setting(None, "layers to update; null: all linear layers")
    use_dora: bool = setting(False, "DoRA: learn magnitude and direction apart (slower)")
    use_rslora: bool = setting(False, "rsLoRA: scale by lora_alpha / sqrt(r), for high ranks")
    peft: dict[str, Any] = setting({}, "any other option of peft.LoraConfig")

    peft_name = "LORA"
    grows_with = ("r",)

    def options(self) -> dict[str, Any]:
        """PEFT's word for all linear layers."""
        return {**super().options(), "target_modules": self.target_modules or "all-linear"}

    def rehearse(self, base: Base, config: Any) -> Any:
        """A start that is computed from the layers' numbers is tried on one small layer."""
        start = getattr(config, "init_lora_weights", None)
        if not isinstance(start, str):
            return super().rehearse(base, config)
        _try_start(config)
        config = copy.deepcopy(config)
        config.init_lora_weights = True
        model = super().rehearse(base, config)
        if (narrowest := _narrowest_layer(model)) < self.r:
            what = f"the start {start} takes r={self.r} directions out of a layer {narrowest} wide"
            raise RequestError(Problem("method.r", what, f"Use {narrowest} or less."))
        return model

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """`base.model` with LoRA layers.

        A start taken out of the base's own weights is kept, to be taken off again when it is saved.
        """
        model = super().attach(base, settings, say)
        if str(model.active_peft_config.init_lora_weights).startswith(CHANGE_THE_BASE):
            model.tunebook_start = {
                name: tensor.detach().clone()
                for name, tensor in model.state_dict().items()
                if "lora_" in name
            }
        return model


def _narrowest_layer(model: Any) -> int:
    layers = [one for one in model.modules() if getattr(one, "lora_A", None)]
    return min(min(one.get_base_layer().weight.shape) for one in layers)


def _try_start(config: Any) -> None:
    import torch
    from peft import inject_adapter_in_model

    config = copy.deepcopy(config)
    config.target_modules, config.r = ["layer"], min(config.r, 4)
    layer = torch.nn.ModuleDict({"layer": torch.nn.Linear(8, 8)})
    with torch.random.fork_rng(), refusals_told():
        inject_adapter_in_model(config, layer)
