"""The tables that a comparison ends in: plain data, for terminals, files and reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunebook.comparison.run import Run

BEST = "best"
BEST_JUDGED = "best of those judged"
NOT_DISTINGUISHABLE = "not distinguishable"
WORSE = "worse"
NO_VERDICT = "no verdict"
NOT_CHOSEN = "not chosen"
ALPHA = 0.05


@dataclass
class Row:
    """Runs of the same settings but for the seed; or those of them that are not complete.

    setting: what differs from the other rows of this method and model, as in "init=random".
    group: the value of the setting that the tables are grouped by.
    score, sd: mean and standard deviation (n - 1) over seeds; sd is None for one seed.
    low, high: the 95 % interval of the score. gain, over_instruction: score less that of
        zero_shot, and of instruction.
    p: that the difference from the best row is chance, corrected for the number of rows.
    verdict: BEST, BEST_JUDGED (where a row that cannot be judged scores higher),
        NOT_DISTINGUISHABLE, WORSE, NO_VERDICT or NOT_CHOSEN; empty where there is nothing to
        compare.
    chosen: whether validation chose these settings among several of the method, and the row is
        scored; None where there are no others.
    """

    runs: list[Run]
    setting: str = ""
    group: Any = None
    score: float | None = None
    sd: float | None = None
    low: float | None = None
    high: float | None = None
    gain: float | None = None
    over_instruction: float | None = None
    p: float | None = None
    verdict: str = ""
    chosen: bool | None = None

    @property
    def first(self) -> Run:
        """The run of the lowest seed; all that rows are told apart by is alike in the others."""
        return self.runs[0]

    @property
    def method(self) -> str:
        """The method's name."""
        return self.first.method

    @property
    def model(self) -> str:
        """The model's name."""
        return self.first.model

    @property
    def state(self) -> str:
        """Complete, failed or running."""
        return self.first.state

    @property
    def reason(self) -> str:
        """Why it is not complete."""
        return self.first.reason

    @property
    def complete(self) -> bool:
        """Whether it has a score."""
        return self.first.complete

    @property
    def validation_loss(self) -> float | None:
        """The mean over seeds; None unless it is known of each."""
        found = [run.metrics.get("loss", {}).get("validation") for run in self.runs]
        return None if None in found or not self.complete else sum(found) / len(found)

    @property
    def has_one_seed(self) -> bool:
        """Whether the luck of its seed is unknown; what trains nothing has no such luck."""
        return self.complete and len(self.runs) == 1 and self.first.trains

    @property
    def interval_over(self) -> str | None:
        """What the interval counts; None where there is none."""
        if self.low is None:
            return None
        many = len(self.runs) > 1 and self.first.trains
        return "test rows and seeds" if many else "test rows"

    @property
    def seeds(self) -> list[Any]:
        """The seed of each run."""
        return [run.seed for run in self.runs]

    @property
    def name(self) -> str:
        """Method and what differs from its other rows."""
        return f"{self.method} {self.setting}".strip()

    @property
    def added_tokens(self) -> int | None:
        """Tokens that stand before each input beyond its bare fields; None where unknown."""
        if not self.complete:
            return None
        recorded = self.first.metrics.get("added_tokens")
        if recorded is None and self.first.is_bare:
            recorded = self.first.settings.get("method.num_virtual_tokens", 0)
        return None if recorded is None else int(recorded)

    def value_of(self, key: str) -> Any:
        """The value of a setting, or a text with all of them where the runs differ.

        None where no run has it or it plays no part, as training does not in a baseline.
        """
        values = [run.setting(key) for run in self.runs]
        if all(value == values[0] for value in values):
            return values[0]
        return ", ".join(str(value) for value in values)

    def mean_of(self, *path: str) -> float | None:
        """The mean over seeds of a number in metrics.json, by its keys; None where it is absent."""
        if not self.complete:
            return None
        found = [_at(run.metrics, path) for run in self.runs]
        numbers = [value for value in found if isinstance(value, int | float)]
        if all(value == numbers[0] for value in numbers[1:]):
            return numbers[0] if numbers else None  # a count stays a whole number
        return sum(numbers) / len(numbers)


def _at(metrics: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        metrics = metrics.get(key) if isinstance(metrics, Mapping) else None
    return metrics


@dataclass
class Table:
    """Rows of one task that can be compared with one another.

    headline: the metric. examples: how many test examples were scored; None if no run is complete.
    conditions: what all runs have in common; apart: those of them in which this table differs from
        the other tables of its task, which is why it is a table of its own.
    group_by: the setting whose values are in `Row.group`, if any.
    """

    task: str
    data: str
    headline: str
    higher_is_better: bool
    examples: int | None
    rows: list[Row]
    conditions: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    group_by: str | None = None

    @property
    def models(self) -> list[str]:
        """Each model's name, once."""
        return list(dict.fromkeys(row.model for row in self.rows))

    @property
    def complete(self) -> list[Row]:
        """The rows of finished runs, those that validation ruled out included."""
        return [row for row in self.rows if row.complete]

    @property
    def scored(self) -> list[Row]:
        """The rows that have a score: complete, and not ruled out on validation."""
        return [row for row in self.complete if row.chosen is not False]

    @property
    def has_choice(self) -> bool:
        """Whether rows are settings of one method, ranked by validation loss."""
        return any(row.chosen is not None for row in self.rows)
