"""What was found, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunebook.errors import Problem

WELL, CAUTION, WRONG = "well", "caution", "wrong"
"""As it should be; will run, and is seldom meant; will not run."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: str
    where: str
    what: str
    remedy: str = ""


def of_problems(level: str, problems: Iterable[Problem]) -> list[Finding]:
    """The same as findings."""
    return [Finding(level, one.where, one.what, one.remedy) for one in problems]
