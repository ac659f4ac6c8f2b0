"""Problems found row by row, and lines said while data is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tunebook.errors import Problem

SHOWN = 3
"""Problems of a kind that are named; the rest are counted."""


@dataclass
class Faults:
    """Collects problems; `add` groups them by kind so that a bad file gives a short message.

    `notes` are lines on how a file was read, said where it can be read.
    """

    notes: list[str] = field(default_factory=list)
    _shown: dict[str, list[Problem]] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, where: str, what: str, remedy: str = "") -> None:
        """Count a fault of `kind`; the first few are kept with their place."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        shown = self._shown.setdefault(kind, [])
        if len(shown) < SHOWN:
            shown.append(Problem(where, what, remedy))

    def __bool__(self) -> bool:
        return bool(self._counts)

    def problems(self) -> list[Problem]:
        """Every fault kept; the last of a kind says how many more there are, and the remedy."""
        return [problem for kind in self._shown for problem in self._of(kind)]

    def _of(self, kind: str) -> list[Problem]:
        *others, last = self._shown[kind]
        if more := self._counts[kind] - len(self._shown[kind]):
            last = replace(last, what=f"{last.what} (and {more} more)")
        return [*(replace(problem, remedy="") for problem in others), last]


class Notes:
    """Says each line once and keeps it in `lines`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.lines: list[str] = []
        self._say = say

    def add(self, line: str) -> None:
        """Say `line`, unless it was said already."""
        if line not in self.lines:
            self.lines.append(line)
            self._say(line)
