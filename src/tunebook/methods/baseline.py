"""Nothing is trained: the untouched model answers, with whatever template it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunebook.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

OPTIONS = MethodSettings
PEFT_CONFIG = None
SET_HERE: dict[str, str] = {}


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """The base model as it is."""
    return base.model
