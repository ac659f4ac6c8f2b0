"""Full fine-tuning: every weight is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunebook.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

OPTIONS = MethodSettings
PEFT_CONFIG = None
SET_HERE: dict[str, str] = {}


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """The base model with every weight requiring a gradient.

    Weights are kept in float32, whatever the arithmetic: an update in bfloat16 is mostly lost to
    rounding (Micikevicius et al. 2018, arXiv 1710.03740, section 3.1).
    """
    return base.model.float().requires_grad_(True)
