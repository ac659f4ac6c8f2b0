"""Each change can be left out, to measure it or to rule it out.

    TUNEBOOK_PLAIN=attention,greedy python -m recipes.run …

The names are those of the modules in the engine's README. Texts stay the same but for rounding.
"""

from __future__ import annotations

import os

VARIABLE = "TUNEBOOK_PLAIN"


def left_out(change: str) -> str:
    """That the change with the name of this module is left out; empty where it is not."""
    return f"{VARIABLE}={change}" if change in os.environ.get(VARIABLE, "").split(",") else ""
