"""Nothing is trained: the untouched model answers, with whatever template it is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods.method import Method
from tunebook.schema import Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say


@dataclass
class Baseline(Method):
    """The base model as it is."""

    trains, shares_base, weights_folder = False, True, None

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """The base model as it is."""
        return base.model
