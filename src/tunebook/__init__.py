"""Tunebook: tune a language model with prompts, and know whether it was worth it.

import tunebook
from recipes import compose

result = tunebook.run(compose("task=summarize", "method=prompt"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from recipes.run import run
    from tunebook.pipeline.steps import Result

__all__ = ["Result", "run"]
HOMES = {"run": "recipes.run", "Result": "tunebook.pipeline.steps"}


def __getattr__(name: str) -> Any:
    """Import what runs a model only when it is asked for: torch takes seconds."""
    if name in HOMES:
        import importlib

        return getattr(importlib.import_module(HOMES[name]), name)
    raise AttributeError(f"module 'tunebook' has no attribute {name!r}")
