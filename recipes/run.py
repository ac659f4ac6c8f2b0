"""Train, score and save: python -m recipes.run task=summarize method=prompt"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from recipes.command import answer
from tunebook.schema import Settings

if TYPE_CHECKING:
    from tunebook import Result


def one_run(settings: Settings) -> Result:
    """One training and evaluation, then its table; torch is imported here and not before."""
    import tunebook
    from tunebook import report
    from tunebook.search import is_trial

    result = tunebook.run(settings)
    if not (settings.dry_run or is_trial(settings)):
        report.show(result.folder)
    return result


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1:], one_run, "recipes.run"))
