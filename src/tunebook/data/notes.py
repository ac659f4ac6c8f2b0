"""Lines said while data is read, remembered for the run's report."""

from __future__ import annotations

from collections.abc import Callable


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
