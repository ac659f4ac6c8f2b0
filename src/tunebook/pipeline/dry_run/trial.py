"""A few steps of the real work, timed: training, validation, answering, scoring."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from tunebook.engine import generate
from tunebook.pipeline.dry_run.splits import target_lengths
from tunebook.pipeline.scoring import Answers, assess, perplexity_rows
from tunebook.schema import Settings
from tunebook.tasks import Row, task_of
from tunebook.text import EncodedRows, Rows
from tunebook.training import Collator, mean_loss

if TYPE_CHECKING:
    from tunebook.models.base import Base

STEPS = 12
FEWEST_STEPS = 3
PATIENCE = 12.0  # seconds for each part
FIRST_ROWS, MORE_ROWS = 8, 64
MOST_SCORED = 1000
"""Rows whose scores are timed; more take their share of the time."""


@dataclass(frozen=True)
class TimedTraining:
    """Seconds of one update, and of everything around the updates."""

    step: float
    around: float


def time_training(model: Any, base: Base, rows: Rows, settings: Settings) -> TimedTraining:
    """Train a few steps as a run would, on batches spread evenly over an epoch.

    The longest batch comes first: it shows how much memory is needed, and its time does not count.
    """
    from tunebook.training.history import History
    from tunebook.training.trainer import PromptTrainer

    picked, count = _spread(rows, settings)
    clock, began = Clock(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tunebook-dry-run-") as folder:
        trainer = PromptTrainer(
            model=model, arguments=_arguments(settings, base, Path(folder), count), rows=picked,
            validation=EncodedRows(), batches=Collator(base), say=lambda _: None,
            history=History(Path(folder) / "history.jsonl"),
            smoothing=settings.training.label_smoothing_factor, keep_best=False, patience=0,
        )  # fmt: skip
        _keep_only(trainer, clock)
        trainer.train()
    steps = clock.seconds[1:] or clock.seconds
    return TimedTraining(mean(steps), time.monotonic() - began - sum(clock.seconds))


class Clock(TrainerCallback):
    """Seconds of each update; stops the training when there are enough."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.last = self.began = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self.last = self.began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Note one update."""
        self.seconds.append(time.monotonic() - self.last)
        self.last = time.monotonic()
        is_enough = len(self.seconds) > FEWEST_STEPS and self.last - self.began > PATIENCE
        control.should_training_stop = control.should_training_stop or is_enough


def _keep_only(trainer: Any, clock: Clock) -> None:
    """No logging, validation or saving: the clock alone looks on."""
    from transformers.trainer_callback import DefaultFlowCallback

    flow = [one for one in trainer.callback_handler.callbacks
            if isinstance(one, DefaultFlowCallback)]  # fmt: skip
    trainer.callback_handler.callbacks = [*flow, clock]


def _arguments(settings: Settings, base: Base, folder: Path, steps: int) -> Any:
    from tunebook.training.train import training_arguments

    trial = copy.deepcopy(settings)
    trial.training.max_steps = steps
    trial.training.report_to = []
    trial.training.arguments = {
        **trial.training.arguments,
        "eval_strategy": "no", "eval_on_start": False, "save_strategy": "no",
        "logging_strategy": "no", "train_sampling_strategy": "sequential",
    }  # fmt: skip
    return training_arguments(trial, base, folder, steps, quiet=True)


@dataclass(frozen=True)
class Picked:
    """Some of the rows, in an order of their own."""

    rows: Rows
    indices: Sequence[int]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[self.indices[index]]


def _spread(rows: Rows, settings: Settings) -> tuple[Picked, int]:
    """The rows of the first batch of an epoch and of some spread evenly over it; how many batches.

    Batches are made by length, the longest row first, so the first one needs the most memory.
    """
    from tunebook.training.trainer import ByLength

    training = settings.training
    size = (training.batch_size or 1) * training.gradient_accumulation_steps
    order = list(ByLength(rows.lengths(), size, settings.seed))
    updates = [order[at : at + size] for at in range(0, len(order), size)]
    chosen = [updates[0], *(updates[at * len(updates) // STEPS] for at in range(STEPS))]
    return Picked(rows, [index for update in chosen for index in update]), len(chosen)


def time_validation(model: Any, base: Base, rows: EncodedRows, settings: Settings) -> float:
    """Seconds of one validation, from a few batches of it."""
    from tunebook.engine import by_length

    size = settings.decoding.batch_size
    batches = by_length(rows.lengths(), size)
    if not batches:
        return 0.0
    every = max(1, len(batches) // 4)
    looked_at = batches[::every]
    began = time.monotonic()
    for indices in looked_at:
        mean_loss(model, rows.some(indices), Collator(base), size)
    return (time.monotonic() - began) / len(looked_at) * len(batches)


def time_answers(
    model: Any, base: Base, rows: EncodedRows, settings: Settings, *,
    as_long_as_targets: bool = False,
) -> float:  # fmt: skip
    """Seconds to answer all of `rows`, from a few.

    An untrained model does not know where to stop; `as_long_as_targets` lets it write as much as a
    trained one would.
    """
    decoding, found = settings.decoding, 0.0
    if as_long_as_targets:
        longest = max(target_lengths(rows), default=1)
        decoding = replace(decoding, max_new_tokens=min(decoding.max_new_tokens, longest))
    for count in (FIRST_ROWS, MORE_ROWS):
        some = rows.some([at * len(rows) // count for at in range(min(count, len(rows)))])
        began = time.monotonic()
        generate(model, base, [some.sources[i] for i in range(len(some))], decoding,
                 lambda _: None)  # fmt: skip
        found = (time.monotonic() - began) / len(some) * len(rows)
        if found * MORE_ROWS / len(rows) > PATIENCE:
            break
    if task_of(settings.task).scores_perplexity:
        found += time_validation(model, base, perplexity_rows(base, rows), settings)
    return found


def time_scores(rows: Sequence[Row], settings: Settings, times: int) -> float:
    """Seconds to score so many answers to each row, two or more: the references stand for them."""
    task, some = task_of(settings.task), rows[:MOST_SCORED]
    answers = Answers([task.target(row) for row in some])
    began = time.monotonic()
    assess(answers, some, settings)
    again = time.monotonic()
    assess(answers, some, settings)
    share = len(rows) / max(len(some), 1)
    return (again - began) + (time.monotonic() - again) * (times * share - 1)
