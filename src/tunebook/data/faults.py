"""Problems found row by row: the first few of each kind are named, the rest counted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tunebook.errors import Problem

SHOWN = 3


@dataclass
class Faults:
    """Collects problems; `add` groups them by kind so that a bad file gives a short message.

    `notes` are lines on how a file was read, said where it can be read.
    """

    _shown: dict[str, list[Problem]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
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
        """Every fault kept; the last of a kind says how many more there are."""
        return [problem for kind in self._shown for problem in self._of(kind)]

    def _of(self, kind: str) -> list[Problem]:
        shown, more = self._shown[kind], self._counts[kind] - len(self._shown[kind])
        if more:
            shown = [*shown[:-1], replace(shown[-1], what=f"{shown[-1].what} (and {more} more)")]
        return [*(replace(problem, remedy="") for problem in shown[:-1]), shown[-1]]
