"""Full fine-tuning: every weight is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem
from tunebook.methods.method import Method
from tunebook.schema import ModelSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say


@dataclass
class FullFineTuning(Method):
    """No options: all there is is trained."""

    trains_base, weights_folder = True, "model"

    def misfits(self, model: ModelSettings) -> list[Problem]:
        """Weights in fewer bits have no gradient."""
        if model.quantization == "none":
            return []
        remedy = "Set it to none, or choose method=lora."
        return [Problem("model.quantization", "quantized weights cannot be trained", remedy)]

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """The base model with every weight requiring a gradient.

        Weights are kept in float32, whatever the arithmetic: an update in bfloat16 is mostly lost
        to rounding (Micikevicius et al. 2018, arXiv 1710.03740, section 3.1).
        """
        return base.model.float().requires_grad_(True)
