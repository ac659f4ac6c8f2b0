"""Train, score and save: python -m recipes.run task=summarize method=prompt"""

from __future__ import annotations

import sys

from recipes.command import answer
from tunebook.settings.schema import Settings


def one_run(settings: Settings) -> object:
    """One training and evaluation; torch is imported here and not before."""
    import tunebook

    return tunebook.run(settings)


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1:], one_run, "recipes.run"))
