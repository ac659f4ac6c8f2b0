"""Reading run folders: first what they are, then the scores of those that are asked for."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook.comparison.filters import STATE, Filter, problems_of
from tunebook.comparison.folders import run_folders
from tunebook.comparison.run import Run
from tunebook.counting import counted
from tunebook.documents import BrokenDocument
from tunebook.errors import Problem, RequestError
from tunebook.runs.reading import (
    COMPLETE,
    NAMES,
    Status,
    read_environment,
    read_flat_settings,
    read_metrics,
    read_status,
)

DEBUG = "debug"


@dataclass(frozen=True)
class Skipped:
    """A folder that was left out, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"skipped {self.path}: {self.reason}"


@dataclass(frozen=True)
class Loaded:
    """What was found: the runs that are asked for, and the folders that cannot be read.

    notes: what was left out on purpose, a line each.
    """

    runs: list[Run]
    skipped: list[Skipped]
    notes: list[str] = field(default_factory=list)


def load(
    folders: Sequence[str | Path], filters: Sequence[Filter] = (), *, debug: bool = False
) -> Loaded:
    """The runs in and below `folders` that every filter keeps.

    A folder that cannot be read is skipped and told. Debug runs are left out where there are
    others, unless a filter names `debug` or `debug` asks for them. Predictions are read only of
    runs that are kept. Raises RequestError with every problem of folders and filters.
    """
    runs, skipped = _each(run_folders(folders), _known)
    kept = _asked_for(runs, filters)
    notes: list[str] = []
    if not debug and DEBUG not in [one.key for one in filters]:
        kept, notes = _without_debug(kept)
    with _no_collector():
        scored, broken = _each(kept, _scored)
    return Loaded(scored, [*skipped, *broken], notes)


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Python's collector would look through all rows again and again, half of the time that reading
    takes, and find nothing: what comes out of JSON has no cycles."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def _without_debug(runs: list[Run]) -> tuple[list[Run], list[str]]:
    others = [run for run in runs if not run.is_debug]
    count = len(runs) - len(others)
    if not count:
        return runs, []
    if not others:
        return runs, ["there are only debug runs, of a few rows and steps: no result"]
    verb = "is" if count == 1 else "are"
    return others, [f"{counted(count, 'debug run')} {verb} left out; debug=true shows only these, "
                    "debug=true,false all runs"]  # fmt: skip


def _each(items: Sequence[Any], read: Any) -> tuple[list[Run], list[Skipped]]:
    runs, skipped = [], []
    for item in items:
        folder = item if isinstance(item, Path) else item.path
        try:
            runs.append(read(item))
        except BrokenDocument as error:
            skipped.append(Skipped(folder, _in_folder(error.problem, folder)))
    return runs, skipped


def _in_folder(problem: Problem, folder: Path) -> str:
    """What is wrong, by the name of the file in its folder."""
    where = problem.where.removeprefix(f"{folder}{os.sep}")
    return f"{where}: {problem.what}"


def _asked_for(runs: Sequence[Run], filters: Sequence[Filter]) -> list[Run]:
    seen = [{**run.settings, STATE: run.state} for run in runs]
    problems = problems_of(filters, seen) if runs else []
    kept = [
        run for run, settings in zip(runs, seen, strict=True)
        if all(one.keeps(settings) for one in filters)
    ]  # fmt: skip
    if filters and runs and not kept and not problems:
        words = " ".join(one.word or one.key for one in filters)
        problems.append(Problem(words, "no run has all of this", "Leave one of them out."))
    if problems:
        raise RequestError(problems)
    return kept


def _known(path: Path) -> Run:
    """All but the scores. Raises BrokenDocument."""
    status = read_status(path)
    environment = read_environment(path)
    settings = _settings(path, status.state)
    return Run(path, status.state, _reason(status), _effective(settings, environment), environment,
               step=status.step)  # fmt: skip


def _reason(status: Status) -> str:
    if status.state == COMPLETE:
        return ""
    lines = status.error.strip().splitlines()
    return lines[0] if lines else f"at step {status.step}"


def _settings(path: Path, state: str) -> dict[str, Any]:
    """By full key. A run that failed before it wrote any is known by the names of its folders."""
    if not (path / "settings.yaml").exists() and state != COMPLETE:
        return _from_folders(path)
    return read_flat_settings(path)


def _from_folders(path: Path) -> dict[str, Any]:
    named = path.resolve().parts[-4:]
    if len(named) < 4:
        raise BrokenDocument(str(path / "settings.yaml"), "is missing")
    return {**dict(zip(NAMES, named, strict=False)), "label": named[3]}


def _effective(settings: dict[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """With what `null` became on the machine, and the model's content where it is recorded."""
    found = dict(settings)
    for key in ("dtype", "device"):
        if environment.get(key):
            found[f"model.{key}"] = str(environment[key]).partition(":")[0]
    if environment.get("model_content"):
        found["model.content"] = str(environment["model_content"])[:10]
    return found


def _scored(run: Run) -> Run:
    """With metrics and predictions, if it is complete. Raises BrokenDocument."""
    if not run.complete:
        return run
    from tunebook.comparison.predictions import read_predictions

    metrics = read_metrics(run.path)
    predictions = read_predictions(run.path / "predictions.jsonl", metrics)
    return replace(run, metrics=metrics, predictions=predictions)
