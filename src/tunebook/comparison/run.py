"""One run as the comparison sees it: what it was, what became of it, what it scored."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook.comparison.keys import reaches
from tunebook.runs.reading import COMPLETE
from tunebook.templates.template import BARE

if TYPE_CHECKING:
    from tunebook.comparison.examples import Examples


@dataclass(frozen=True)
class Run:
    """One run folder.

    state: "complete", "failed" or "running" (which an interrupted run is, too).
    reason: the first line of what status.json says about a run that is not complete.
    settings: every setting by its full key, as in {"method.num_virtual_tokens": 20}.
    environment: what environment.json holds; metrics: what metrics.json holds, if complete.
    examples: its headline metric for each test example, if complete. step: the last one.
    """

    path: Path
    state: str
    reason: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    examples: Examples | None = None
    step: int = 0

    @property
    def complete(self) -> bool:
        """Whether it has scores."""
        return self.state == COMPLETE

    @property
    def task(self) -> str:
        """The task's name."""
        return str(self.settings["task.name"])

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.settings["model.name"])

    @property
    def method(self) -> str:
        """The method's name."""
        return str(self.settings["method.name"])

    @property
    def seed(self) -> Any:
        """The seed; None where a failed run left no settings."""
        return self.settings.get("seed")

    @property
    def trains(self) -> bool:
        """Whether anything is trained; a baseline gives the same scores for every seed."""
        return self.settings.get("method.kind") != "baseline"

    @property
    def is_settled(self) -> bool:
        """Whether its settings have no gaps and it is known what it was made with."""
        return self.complete or bool(self.environment)

    @property
    def is_bare(self) -> bool:
        """Whether the model reads the fields of an example and nothing else."""
        return self.settings.get("template.text") == BARE

    @property
    def is_debug(self) -> bool:
        """Whether it was a few rows and steps, to see that everything works."""
        return self.settings.get("debug") is True

    @property
    def is_untrained(self) -> bool:
        """Whether what is scored is where training began: no step, or none that was kept."""
        if not (self.complete and self.trains):
            return False
        loss = self.metrics.get("loss", {})
        start = loss.get("validation_start")
        return self.step == 0 or (start is not None and start == loss.get("validation"))

    @property
    def score(self) -> float:
        """The headline metric, from 0 to 100."""
        return float(self.metrics["headline"]["value"])

    @property
    def interval(self) -> tuple[float, float] | None:
        """What the run itself says, so that one run has one interval wherever it is shown."""
        found = self.metrics["headline"].get("interval")
        return (float(found[0]), float(found[1])) if found else None

    def setting(self, key: str) -> Any:
        """The value of a setting; None where the run has none, or it plays no part."""
        return self.settings.get(key) if reaches(key, trains=self.trains) else None


def as_seen(path: str | Path, start: str | Path = ".") -> str:
    """`path` from `start`: what is shared with others need not tell where it was made."""
    try:
        return os.path.relpath(path, start)
    except ValueError:  # another drive
        return str(path)
