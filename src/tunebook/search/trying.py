"""One trial: trained and validated as the run will be, and never shown the test split.

Its folder holds what a cut-off trial needs to go on, and what became of a finished one. It is found
by what the trial is, so that a longer search takes over the trials of a shorter one.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

from tunebook import data, report
from tunebook.data import Examples
from tunebook.documents import BrokenDocument
from tunebook.errors import RequestError, RunFailed
from tunebook.events import Doing
from tunebook.memory import forget_peak_memory, peak_memory
from tunebook.pipeline import steps
from tunebook.pipeline.failures import failures_recorded, variables_restored
from tunebook.pipeline.steps import Plan, Result
from tunebook.runs import RunFolder, open_folder
from tunebook.runs.files import write_json
from tunebook.runs.fingerprint import digest, fingerprint
from tunebook.runs.reading import read_trial
from tunebook.runs.whole import TRIAL_FILES
from tunebook.search.trials import Trial

FOLDER = ".trials"


class Tried(Result):
    """A finished trial: its folder and what its metrics.json holds; `fresh` if it ran just now."""

    @property
    def loss(self) -> float:
        """The lowest validation loss; infinite where the loss became no number."""
        loss = self.metrics.get("validation_loss")
        return math.inf if loss is None else float(loss)

    @property
    def came_to(self) -> str:
        """The result in a few words."""
        if math.isinf(self.loss):
            return "the loss became no number"
        return f"validation loss {self.loss:.4f}"


def try_out(trial: Trial) -> Tried:
    """Train and validate `trial`, or answer from its folder where that has been done.

    Raises RequestError where the request is wrong, and RunFailed where the trial cannot finish.
    """
    plan, examples = prepared(trial)
    with open_folder(folder_of(plan, examples)) as folder:
        if trial.settings.again:
            folder.empty()
        if is_done(folder):
            return Tried(folder.path, folder.metrics or {}, fresh=False)
        with failures_recorded(folder, plan.settings), variables_restored():
            metrics = _trained(plan, examples, folder)
            folder.check_is_there()
        write_json(folder.path / "metrics.json", metrics)
        folder.set_status("complete", step=metrics["steps"])
        shutil.rmtree(folder.path / "checkpoints", ignore_errors=True)
    return Tried(folder.path, metrics)


def is_done(folder: RunFolder) -> bool:
    """Whether the trial has finished and its files open; else it is tried again."""
    try:
        read_trial(folder.path)
    except BrokenDocument:
        return False
    return folder.complete and not folder.faults(TRIAL_FILES)


def prepared(trial: Trial) -> tuple[Plan, Examples]:
    """The trial without gaps, with its training and validation rows."""
    plan = steps.plan(trial.settings, _say, with_test=False)
    return plan, steps.load_data(plan, data.load_to_select)


def folder_of(plan: Plan, examples: Examples) -> Path:
    """outputs/<task>/<model>/<method>/.trials/<fingerprint>."""
    settings = plan.settings
    content = digest([examples.fingerprint, data.has_own_test(settings.data)])
    parent = Path(settings.outputs) / settings.task.name / settings.model.name
    name = fingerprint(settings, content, plan.model_content)
    return parent / settings.method.name / FOLDER / name


def _say(text: str) -> None:
    """Of a trial only its progress is heard: the run says its choices once, with the winner."""
    if isinstance(text, Doing) and report.is_heard():
        report.say(text)


def _trained(plan: Plan, examples: Examples, folder: RunFolder) -> dict[str, Any]:
    """What metrics.json of the trial holds."""
    forget_peak_memory()
    base = steps.untried_base(plan)
    rows = steps.encode(plan, examples, base)
    steps.write_origin(plan, folder, base)
    try:
        steps.check_method(base, plan.settings)
        model = steps.attach(plan, base)
    except RequestError as error:  # of this trial's values alone: the others go on
        raise RunFailed("; ".join(map(str, error.problems))) from error
    try:
        trained = steps.train(plan, folder, model, base, rows)
    except RunFailed:
        if not _diverged(plan, folder):
            raise
        trained = None
    return {
        "schema": 1,
        "validation_loss": trained.validation_loss if trained else None,
        "best_step": trained.best_step if trained else None,
        "steps": trained.steps if trained else folder.status.get("step", 0),
        "train_loss": trained.train_loss if trained else None,
        "trainable": report.count_parameters(model)[0],
        "seconds": {name: round(spent, 3) for name, spent in plan.seconds.items()},
        "peak_memory_bytes": max(peak_memory(base.device), trained.peak_memory if trained else 0),
    }


def _diverged(plan: Plan, folder: RunFolder) -> bool:
    """Whether the loss became no number: a result like any other, and always the same."""
    from tunebook.training.history import read_history

    rows = read_history(folder.path / "history.jsonl")
    losses = [row["validation_loss"] for row in rows if "validation_loss" in row]
    if losses and not math.isfinite(losses[-1]):
        plan.seconds["train"] = rows[-1]["seconds"]
        return True
    return False
