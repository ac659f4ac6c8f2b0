"""What the untouched model scores with the task's instruction: the bar for anything trained."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from tunebook import methods, report
from tunebook.models.base import Base
from tunebook.pipeline.scoring import answer_of_base, assess
from tunebook.schema import Settings
from tunebook.templates.template import INSTRUCTION
from tunebook.text import EncodedRows, Encoder

if TYPE_CHECKING:
    from tunebook.data import Examples
    from tunebook.pipeline.steps import Plan

METHOD = "instruction"


def scores(
    plan: Plan, examples: Examples, base: Base, test: EncodedRows
) -> dict[str, float] | None:
    """Every metric of the answers to the examples of `test` behind the instruction.

    The answers are kept like those to the run's own template. None for a baseline, with
    score_instruction=false, and where an example does not fit behind the instruction.
    """
    if not is_wanted(plan.settings):
        return None
    rows = rows_behind(plan, examples, base, test)
    if rows is None:
        plan.say("instruction: not scored, for an example does not fit behind it")
        return None
    with report.progress(METHOD, len(rows)) as tick:
        answers = answer_of_base(
            base, rows, plan.settings, plan.model_content, tick, plan.say, METHOD
        )
    return assess(answers, [examples.test[i] for i in rows.rows], plan.settings).values


def is_wanted(settings: Settings) -> bool:
    """Whether a run of these settings scores the instruction beside its own method."""
    return settings.score_instruction and settings.method.trains


def rows_behind(
    plan: Plan, examples: Examples, base: Base, test: EncodedRows
) -> EncodedRows | None:
    """The examples of `test` as method=instruction shows them; None where one does not fit."""
    encoder = Encoder(_with_instruction(plan.settings), base)
    sources = encoder.sources([examples.test[i] for i in test.rows])
    rows = EncodedRows(targets=test.targets, rows=test.rows)
    for source in sources:
        if source is None:
            return None
        rows.sources.append(source.ids)
        rows.texts.append(source.text)
    return rows


def _with_instruction(settings: Settings) -> Settings:
    return dataclasses.replace(
        settings,
        method=methods.options_of("baseline")(name=METHOD, kind="baseline"),
        template=dataclasses.replace(settings.template, name=METHOD, text=INSTRUCTION),
    )
