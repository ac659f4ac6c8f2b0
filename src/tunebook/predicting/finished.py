"""A finished run, read from its folder without torch: settings, weights, what it was made with."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tunebook.documents import BrokenDocument
from tunebook.errors import Problem, RequestError, nearest_beside
from tunebook.models.facts import content_of
from tunebook.runs import environment
from tunebook.runs.reading import COMPLETE, read_environment, read_settings, read_status
from tunebook.schema import TrainingSettings
from tunebook.settings import Resolved, Settings, resolve, settings_from
from tunebook.tasks import Task, task_of

ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
MODEL = ("config.json", "*.safetensors")
MODEL_CONTENT = "model_content"
"""The key of environment.json that says what the base model was, where it is recorded."""


@dataclass(frozen=True)
class FinishedRun:
    """A run folder that can answer."""

    path: Path
    settings: Settings
    made_with: dict[str, Any]
    """what environment.json says"""

    @staticmethod
    def read(folder: str | Path) -> FinishedRun:
        """The run in `folder`. Raises RequestError where it is none, or cannot answer."""
        path = Path(folder).expanduser()
        _check_is_run(path)
        try:
            run = FinishedRun(path, _settings_in(path), read_environment(path))
            _check_is_finished(path)
        except BrokenDocument as error:
            problem = replace(error.problem, remedy=_again(path))
            raise RequestError(problem) from None
        _check_weights(run)
        return run

    @property
    def task(self) -> Task:
        """What the run was trained to do."""
        return task_of(self.settings.task)

    @property
    def columns(self) -> Mapping[str, Any]:
        """The column of each field in the run's data, where it has another name."""
        return self.settings.data.fields

    @property
    def weights(self) -> Path | None:
        """The folder of what was trained; None for a baseline."""
        name = self.settings.method.weights_folder
        return self.path / name if name else None

    @property
    def is_whole_model(self) -> bool:
        """Whether the run kept a whole model instead of an adapter."""
        return self.settings.method.trains_base

    def content(self) -> str:
        """A hash of settings and trained weights, wherever the folder lies."""
        files = sorted(self.weights.iterdir()) if self.weights else []
        total = hashlib.sha256()
        for file in (self.path / "settings.yaml", *(f for f in files if f.is_file())):
            with file.open("rb") as opened:
                total.update(hashlib.file_digest(opened, "sha256").digest())
        return total.hexdigest()

    def older_versions(self) -> list[str]:
        """Packages that had another version when the run was made."""
        return environment.differences(self.made_with)

    def resolved(self, model: str | None = None, device: str | None = None) -> Resolved:
        """The run's settings and the facts of the model to load.

        `model` is where the base model lies now, if it has moved; a whole trained model is its own
        base. Raises RequestError where the base is not there or is not the one of the run.
        """
        settings = _to_answer(self, model, device)
        try:
            found = resolve(settings)
        except RequestError as error:
            raise RequestError([_for_model_flag(p) for p in error.problems]) from error
        recorded = None if self.is_whole_model else self.made_with.get(MODEL_CONTENT)
        if recorded and recorded != content_of(found.settings.model, found.facts):
            what = f"{found.facts.path} is not the base model of this run: its content has changed"
            remedy = "Name the model as it was with --model, or run again with the new one."
            raise RequestError(Problem("model.path", what, remedy))
        return found


def _to_answer(run: FinishedRun, model: str | None, device: str | None) -> Settings:
    """Settings without what only training needs, such as trackers that may not be here."""
    settings = copy.deepcopy(run.settings)
    settings.training = TrainingSettings()
    settings.model.device = device or settings.model.device
    if run.is_whole_model or model:
        settings.model.path = str(run.weights) if run.is_whole_model else model
        settings.model.revision = None
    return settings


def _for_model_flag(problem: Problem) -> Problem:
    if problem.where == "model.device":
        return replace(problem, remedy="Choose another with --device.")
    if problem.where not in ("model.path", "model.family"):
        return problem
    remedy = "It is the run's base model; where it has moved, name its folder with --model."
    return replace(problem, remedy=remedy)


def _check_is_run(path: Path) -> None:
    if (path / "settings.yaml").is_file() and (path / "status.json").is_file():
        return
    if not path.exists():
        raise _wrong(path, "there is no such folder", nearest_beside(path, Path.is_dir))
    if (path.parent / "settings.yaml").is_file():
        raise _wrong(path, "is part of a run", f"Give the run's folder: {path.parent}")
    below = sorted(_runs_below(path))
    remedy = f"It holds {len(below)} of them, such as {below[0]}" if below else ""
    what = "is no run folder: it has no settings.yaml and status.json"
    raise _wrong(path, what, remedy or "Give a folder that python -m recipes.run has made.")


def _runs_below(path: Path) -> Iterator[Path]:
    """Run folders; not the trials of searches, which answer nothing."""
    for file in path.glob("**/settings.yaml") if path.is_dir() else ():
        if not any(part.startswith(".") for part in file.relative_to(path).parts):
            yield file.parent


def _settings_in(path: Path) -> Settings:
    file, content = path / "settings.yaml", read_settings(path)
    try:
        return settings_from(content)
    except RequestError as error:
        problems = [replace(p, where=f"{file}: {p.where}") for p in error.problems]
        raise RequestError(problems) from error


def _check_is_finished(path: Path) -> None:
    status = read_status(path)
    if status.state == COMPLETE:
        return
    why = f" ({status.error})" if status.error else ""
    what = f"the run has not finished: its state is {status.state}, at step {status.step}{why}"
    raise _wrong(path, what, f"Finish it: python -m recipes.run recipe={path}")


def _check_weights(run: FinishedRun) -> None:
    """Only safetensors count: a pickled adapter is never opened."""
    if run.weights is None:
        return
    wanted = MODEL if run.is_whole_model else ADAPTER
    if missing := [name for name in wanted if not any(run.weights.glob(name))]:
        raise _wrong(run.weights, f"lacks {' and '.join(missing)}", _again(run.path))


def _again(path: Path) -> str:
    return f"Make the run again: python -m recipes.run recipe={path} again=true"


def _wrong(path: Path, what: str, remedy: str) -> RequestError:
    return RequestError(Problem(str(path), what, remedy))
