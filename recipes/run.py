"""Train, score and save: python -m recipes.run task=summarize method=prompt"""

from __future__ import annotations

import sys

from recipes.command import answer
from tunebook.settings.schema import Settings


def one_run(settings: Settings) -> None:
    """One training and evaluation, then its table; torch is imported here and not before."""
    import tunebook
    from tunebook import report

    result = tunebook.run(settings)
    if not settings.dry_run:
        report.show(result.folder)


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1:], one_run, "recipes.run"))
