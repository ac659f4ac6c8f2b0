"""What a whole run takes, from what a little of it took."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tunebook.counting import counted, in_words
from tunebook.models.device import memory_of
from tunebook.schema import Settings

GIGA = 1e9


@dataclass
class Estimate:
    """Seconds of each part of a run, and its memory.

    load: data and model. before, after: answers of the untouched and of the tuned model.
    instruction: those of the untouched model with the task's instruction. scores: all metrics of
    all answers. step: one update, of `steps`. validation: one, of `validations`.
    around_training: what training takes besides its updates and validations.
    """

    load: float
    before: float = 0.0
    is_kept: bool = False
    instruction: float = 0.0
    scores: float = 0.0
    steps: int = 0
    passes: float = 0.0
    step: float = 0.0
    around_training: float = 0.0
    validations: int = 0
    validation: float = 0.0
    after: float = 0.0
    peak_memory_bytes: int = 0

    def validations_of(self, settings: Settings) -> int:
        """How often a run of these settings validates after its start."""
        from tunebook.training.train import intervals

        every, _ = intervals(settings, self.steps)
        return math.ceil(self.steps / every)

    @property
    def train(self) -> float:
        """Seconds of training, validations included."""
        updates = self.steps * self.step
        return updates + self.validations * self.validation + self.around_training

    def seconds(self) -> dict[str, float]:
        """As in metrics.json: load, train, evaluate, total."""
        evaluate = self.before + self.instruction + self.after + self.scores
        found = {"load": self.load, "train": self.train, "evaluate": evaluate}
        return {**found, "total": sum(found.values())}


def words_for(estimate: Estimate, device: str) -> str:
    """The estimate for a person."""
    seconds = estimate.seconds()
    parts = [f"loading {in_words(estimate.load)}", _before(estimate)]
    if estimate.instruction:
        parts.append(f"answers with the instruction {in_words(estimate.instruction)}")
    if estimate.steps:
        parts += [
            f"training {in_words(estimate.train)} ({counted(estimate.steps, 'step')} of "
            f"{estimate.step:.2g} s: {estimate.passes:.3g} passes over the training data; "
            f"{estimate.validations} validations of {estimate.validation:.2g} s)",
            f"answers after {in_words(estimate.after)}",
        ]
    parts.append(f"scores {in_words(estimate.scores)}")
    return (
        f"the run would take about {in_words(seconds['total'])}: {', '.join(parts)}\n"
        f"at its peak it would need about {estimate.peak_memory_bytes / GIGA:.1f} GB of "
        f"{_memory(device)}"
    )


def _before(estimate: Estimate) -> str:
    if estimate.is_kept:
        return "answers before kept from an earlier run"
    return f"answers before {in_words(estimate.before)}"


def _memory(device: str) -> str:
    whose = "the card's" if device.startswith("cuda") else "this machine's"
    return f"{whose} {memory_of(device) / GIGA:.1f} GB"
