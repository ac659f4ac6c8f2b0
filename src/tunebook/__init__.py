"""Tunebook: tune a language model with prompts, and know whether it was worth it.

import tunebook
from recipes import compose

result = tunebook.run(compose("task=summarize", "method=prompt"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunebook.pipeline.run import Result, run

__all__ = ["Result", "run"]


def __getattr__(name: str) -> Any:
    """Import what runs a model only when it is asked for: torch takes seconds."""
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("tunebook.pipeline.run"), name)
    raise AttributeError(f"module 'tunebook' has no attribute {name!r}")
