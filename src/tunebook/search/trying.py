"""One trial: trained and validated as the run will be, and never shown the test split.

Its folder holds what a cut-off trial needs to go on, and what became of a finished one. It is found
by what the trial is, so that a longer search takes over the trials of a shorter one.
"""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import data, report
from tunebook.documents import BrokenDocument
from tunebook.errors import RequestError, RunFailed
from tunebook.events import Doing
from tunebook.memory import forget_peak_memory, peak_memory
from tunebook.pipeline import run as running
from tunebook.runs import RunFolder, open_folder
from tunebook.runs.files import write_json
from tunebook.runs.fingerprint import digest, fingerprint
from tunebook.runs.reading import read_trial
from tunebook.runs.whole import TRIAL_FILES
from tunebook.search.trials import Trial

if TYPE_CHECKING:
    from tunebook.training import Trained

FOLDER = ".trials"


class Tried(running.Result):
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
    work = prepared(trial)
    with open_folder(folder_of(work)) as folder:
        if trial.settings.again:
            folder.empty()
        if is_done(folder):
            return Tried(folder.path, folder.metrics or {}, fresh=False)
        with running.failures_recorded(folder, work.settings), running.variables_restored():
            metrics = _train(work, folder)
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


def prepared(trial: Trial) -> running.Work:
    """The trial without gaps, with its training and validation rows."""
    return running.prepare(trial.settings, _say, data.load_to_select)


def folder_of(work: running.Work) -> Path:
    """outputs/<task>/<model>/<method>/.trials/<fingerprint>."""
    settings, loaded = work.settings, work.examples
    held_out = data.has_own_test(settings.data)
    content = digest([loaded.fingerprint, held_out])
    parent = Path(settings.outputs) / settings.task.name / settings.model.name
    name = fingerprint(settings, content, work.model_content)
    return parent / settings.method.name / FOLDER / name


def _say(text: str) -> None:
    """Of a trial only its progress is heard: the run says its choices once, with the winner."""
    if isinstance(text, Doing) and report.is_heard():
        report.say(text)


def _train(work: running.Work, folder: RunFolder) -> dict[str, Any]:
    forget_peak_memory()
    with work.timed("load"):
        base = running.load_base(work)
        train, validation, _ = running.encode(work, base)
    folder.begin(work.settings, {**running.made_with(base), "model_content": work.model_content})
    try:
        running.check_method(base, work.settings)
        model = running.attach(work, base)
    except RequestError as error:  # of this trial's values alone: the others go on
        raise RunFailed("; ".join(map(str, error.problems))) from error
    trained = _trained_or_diverged(model, base, train, validation, work, folder)
    return _metrics(work, model, base.device, trained, folder)


def _trained_or_diverged(
    model: Any, base: Any, train: Any, validation: Any, work: running.Work, folder: RunFolder
) -> Trained | None:
    """None where the loss became no number: a result like any other, and always the same."""
    from tunebook.training.history import read_history

    try:
        return running.train_method(model, base, train, validation, work, folder)
    except RunFailed:
        rows = read_history(folder.path / "history.jsonl")
        losses = [row["validation_loss"] for row in rows if "validation_loss" in row]
        if losses and not math.isfinite(losses[-1]):
            work.seconds["train"] = rows[-1]["seconds"]
            return None
        raise


def _metrics(
    work: running.Work, model: Any, device: str, trained: Trained | None, folder: RunFolder
) -> dict[str, Any]:
    return {
        "schema": 1,
        "validation_loss": trained.validation_loss if trained else None,
        "best_step": trained.best_step if trained else None,
        "steps": trained.steps if trained else folder.status.get("step", 0),
        "train_loss": trained.train_loss if trained else None,
        "trainable": report.count_parameters(model)[0],
        "seconds": {name: round(spent, 3) for name, spent in work.seconds.items()},
        "peak_memory_bytes": max(peak_memory(device), trained.peak_memory if trained else 0),
    }
