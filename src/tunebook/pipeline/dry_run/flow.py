"""From loaded data and model to what a person wants to know before an hour is spent."""

from __future__ import annotations

from typing import Any

from tunebook import report
from tunebook.data import Examples
from tunebook.memory import forget_peak_memory, peak_memory
from tunebook.models.base import Base
from tunebook.pipeline import plain_prompt, steps
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
from tunebook.pipeline.failures import failures_told, variables_restored
from tunebook.pipeline.scoring import kept_answers
from tunebook.pipeline.steps import EncodedSplits, Plan, Result, Say
from tunebook.runs import RunFolder
from tunebook.schema import Settings
from tunebook.settings.resolve import steps_of
from tunebook.text import EncodedRows


def dry_run(settings: Settings, say: Say) -> Result:
    """Look at the data, time a few steps of the real work, and say what the run would take.

    Nothing is written outside a temporary folder that is gone afterwards. The result holds
    `seconds`, `peak_memory_bytes` and `parameters`.
    """
    plan = steps.plan(settings, say)
    examples = steps.load_data(plan)
    path = steps.folder_of(plan, examples)
    forget_peak_memory()
    with failures_told(plan.settings), variables_restored():
        base = steps.load_base(plan)
        splits = steps.encode(plan, examples, base)
        steps.check_ahead(plan, base, splits)
        found = _looked_at(plan, examples, base, splits)
    is_there = RunFolder(path).complete
    say(f"dry run: nothing was written; the run would be {path}"
        f"{', which is finished already' if is_there else ''}")  # fmt: skip
    return Result(path, found)


def _looked_at(plan: Plan, examples: Examples, base: Base, splits: EncodedSplits) -> dict[str, Any]:
    plan.say(splits_text(examples, splits, trains=plan.trains))
    plan.say(example_text(base, splits, plan.settings, trains=plan.trains))
    for caution in cautions(examples, splits, base, plan.settings):
        plan.say(f"warning: {caution}")
    plan.say("timing a few steps …")
    estimate = Estimate(load=plan.seconds["load"])
    _time_before(plan, examples, base, splits.test, estimate)
    model = steps.attach(plan, base)
    if plan.trains:
        plan.say(report.parameters(model))
        _time_training(plan, base, model, splits, estimate)
    estimate.peak_memory_bytes = peak_memory(base.device)
    plan.say(words_for(estimate, base.device))
    trained, total = report.count_parameters(model)
    return {
        "seconds": estimate.seconds(),
        "peak_memory_bytes": estimate.peak_memory_bytes,
        "parameters": {"trainable": trained if plan.trains else 0, "total": total},
    }


def _time_before(
    plan: Plan, examples: Examples, base: Base, test: EncodedRows, estimate: Estimate
) -> None:
    settings, content = plan.settings, plan.model_content
    estimate.is_kept = kept_answers(base, test, settings, content).exists()
    if not estimate.is_kept:
        estimate.before = time_answers(base.model, base, test, settings)
    rows = [examples.test[index] for index in test.rows]
    with_instruction = plain_prompt.is_wanted(settings)
    estimate.scores = time_scores(rows, settings, 3 if with_instruction else 2)
    if not with_instruction:
        return
    behind = plain_prompt.rows_behind(plan, examples, base, test)
    if behind and not kept_answers(base, behind, settings, content).exists():
        estimate.instruction = time_answers(base.model, base, behind, settings)


def _time_training(
    plan: Plan, base: Base, model: Any, splits: EncodedSplits, estimate: Estimate
) -> None:
    settings = plan.settings
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
