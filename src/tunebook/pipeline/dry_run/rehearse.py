"""From loaded data and model to what a person wants to know before an hour is spent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook import methods, report
from tunebook.pipeline import plain_prompt
from tunebook.pipeline.dry_run.cautions import cautions
from tunebook.pipeline.dry_run.estimate import Estimate, words_for
from tunebook.pipeline.dry_run.example import example_text
from tunebook.pipeline.dry_run.splits import splits_text
from tunebook.pipeline.dry_run.trial import (
    time_answers,
    time_scores,
    time_training,
    time_validation,
)
from tunebook.pipeline.scoring import kept_answers
from tunebook.settings.resolve import steps_of
from tunebook.text import EncodedRows, Rows

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.pipeline.run import Work


@dataclass(frozen=True)
class Splits:
    """The examples of a run as token ids."""

    train: Rows
    validation: EncodedRows
    test: EncodedRows


def rehearse(work: Work, base: Base, splits: Splits, attach: Callable[[], Any]) -> dict[str, Any]:
    """Look at the data, time a few steps of the real work, and say what the run would take.

    attach: gives the model that would be trained. Nothing is written outside a temporary folder
    that is gone afterwards. Returns what was found, `seconds` and `peak_memory_bytes` among it.
    """
    from tunebook.memory import peak_memory

    trains = methods.trains(work.settings.method)
    work.say(splits_text(work.examples, splits, trains=trains))
    work.say(example_text(base, splits, work.settings, trains=trains))
    for caution in cautions(work.examples, splits, base, work.settings):
        work.say(f"warning: {caution}")
    work.say("timing a few steps …")
    estimate = Estimate(load=work.seconds["load"])
    _time_before(work, base, splits, estimate)
    model = base.model
    if trains:
        model = attach()
        work.say(report.parameters(model))
        _time_training(work, base, model, splits, estimate)
    estimate.peak_memory_bytes = peak_memory(base.device)
    work.say(words_for(estimate, base.device))
    trained, total = report.count_parameters(model)
    return {
        "seconds": estimate.seconds(),
        "peak_memory_bytes": estimate.peak_memory_bytes,
        "parameters": {"trainable": trained if trains else 0, "total": total},
    }


def _time_before(work: Work, base: Base, splits: Splits, estimate: Estimate) -> None:
    test, settings = splits.test, work.settings
    estimate.is_kept = kept_answers(base, test, settings, work.model_content).exists()
    if not estimate.is_kept:
        estimate.before = time_answers(base.model, base, test, settings)
    rows = [work.examples.test[index] for index in test.rows]
    with_instruction = plain_prompt.is_wanted(settings)
    estimate.scores = time_scores(rows, settings, 3 if with_instruction else 2)
    if with_instruction:
        _time_instruction(work, base, test, estimate)


def _time_instruction(work: Work, base: Base, test: EncodedRows, estimate: Estimate) -> None:
    rows = plain_prompt.rows_behind(work, base, test)
    if rows and not kept_answers(base, rows, work.settings, work.model_content).exists():
        estimate.instruction = time_answers(base.model, base, rows, work.settings)


def _time_training(work: Work, base: Base, model: Any, splits: Splits, estimate: Estimate) -> None:
    settings = work.settings
    estimate.steps = steps_of(settings, len(splits.train))
    estimate.passes = (
        estimate.steps * (settings.training.batch_size or 1)
        * settings.training.gradient_accumulation_steps / len(splits.train)
    )  # fmt: skip
    trained = time_training(model, base, splits.train, settings)
    estimate.step, estimate.around_training = trained.step, trained.around
    estimate.validations = 1 + estimate.validations_of(settings)
    estimate.validation = time_validation(model, base, splits.validation, settings)
    estimate.after = time_answers(model, base, splits.test, settings, as_long_as_targets=True)
