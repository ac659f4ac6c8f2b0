"""Full fine-tuning: every weight is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunebook.settings.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base

OPTIONS = MethodSettings
PEFT_CONFIG = None
SET_HERE: dict[str, str] = {}


def attach(base: Base, settings: Settings) -> Any:
    """The base model with every floating-point weight requiring a gradient."""
    for parameter in base.model.parameters():
        parameter.requires_grad = parameter.is_floating_point()
    return base.model
