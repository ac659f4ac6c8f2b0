"""Train, score and save: python -m recipes.run task=summarize method=prompt"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tunebook.command.command import answer
from tunebook.schema import Settings

if TYPE_CHECKING:
    from tunebook.pipeline.steps import Result, Say


def tune(settings: Settings, say: Say) -> Result:
    """One run, from settings to a finished folder; one that is finished is answered from there."""
    from tunebook.pipeline import steps

    plan = steps.plan(settings, say)
    examples = steps.load_data(plan)
    with steps.open_run(plan, examples) as folder:
        if folder.complete:
            return steps.finished(plan, folder)
        base = steps.load_base(plan)
        rows = steps.encode(plan, examples, base)
        steps.begin(plan, folder, base, rows)
        answers = steps.answer_untouched(plan, base, rows.test)
        before = after = steps.score(plan, examples, rows.test, answers)
        instruction = steps.score_instruction(plan, examples, base, rows.test)
        model = steps.attach(plan, base)
        trained = steps.train(plan, folder, model, base, rows)
        if trained:
            answers = steps.answer(plan, model, base, rows.test)
            after = steps.score(plan, examples, rows.test, answers)
        found = steps.Finished(model, base, rows.test, before, after, trained, instruction)
        return steps.save(plan, folder, examples, found)


def run(settings: Settings, say: Say | None = None) -> Result:
    """What `settings` ask for: a run, a dry run, or a search with `settings.tune.trials`.

    `say` gets one line for each automatic choice. Raises RequestError when the request is wrong,
    with every problem found and nothing written, and RunFailed when the run could not finish.
    """
    from tunebook import report, search
    from tunebook.pipeline.dry_run import dry_run

    say = say or report.say
    if settings.tune.trials is not None:
        return search.run_with_search(settings, say, run)
    return (dry_run if settings.dry_run else tune)(settings, say)


def one_run(settings: Settings) -> Result:
    """A run, then its table; nothing heavy is imported before."""
    from tunebook import report
    from tunebook.search import is_trial

    result = run(settings)
    if not (settings.dry_run or is_trial(settings)):
        report.show(result.folder)
    return result


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1:], one_run, "recipes.run"))
