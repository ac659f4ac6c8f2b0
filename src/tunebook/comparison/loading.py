"""Reading run folders: first what they are, then the scores of those that are asked for."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook.comparison.filters import STATE, Filter, problems_of
from tunebook.comparison.run import Run
from tunebook.counting import counted
from tunebook.documents import BrokenDocument
from tunebook.errors import Problem, RequestError, nearest
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
SIGNS = {"status.json", "settings.yaml"}
"""Either of them makes a folder that of a run."""


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
    others_too = "debug=true shows only these, debug=true,false all runs"
    return others, [f"{counted(count, 'debug run')} {verb} left out; {others_too}"]


def _each(items: Sequence[Any], read: Callable[[Any], Run]) -> tuple[list[Run], list[Skipped]]:
    runs, skipped = [], []
    for item in items:
        folder = item if isinstance(item, Path) else item.path
        try:
            runs.append(read(item))
        except BrokenDocument as error:
            where = error.problem.where.removeprefix(f"{folder}{os.sep}")
            skipped.append(Skipped(folder, f"{where}: {error.problem.what}"))
    return runs, skipped


def _asked_for(runs: Sequence[Run], filters: Sequence[Filter]) -> list[Run]:
    seen = [{**run.settings, STATE: run.state} for run in runs]
    problems = problems_of(filters, seen) if runs else []
    pairs = zip(runs, seen, strict=True)
    kept = [run for run, settings in pairs if all(one.keeps(settings) for one in filters)]
    if filters and runs and not kept and not problems:
        words = " ".join(one.word or one.key for one in filters)
        problems.append(Problem(words, "no run has all of this", "Leave one of them out."))
    if problems:
        raise RequestError(problems)
    return kept


def _known(path: Path) -> Run:
    """All but the scores. Raises BrokenDocument."""
    status, environment = read_status(path), read_environment(path)
    settings = _effective(_settings(path, status.state), environment)
    return Run(path, status.state, _reason(status), settings, environment, step=status.step)


def _reason(status: Status) -> str:
    if status.state == COMPLETE:
        return ""
    lines = status.error.strip().splitlines()
    return lines[0] if lines else f"at step {status.step}"


def _settings(path: Path, state: str) -> dict[str, Any]:
    """By full key. A run that failed before it wrote any is known by the names of its folders."""
    if state == COMPLETE or (path / "settings.yaml").exists():
        return read_flat_settings(path)
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
    from tunebook.comparison.examples import read_examples

    metrics = read_metrics(run.path)
    examples = read_examples(run.path / "predictions.jsonl", metrics)
    return replace(run, metrics=metrics, examples=examples)


def run_folders(folders: Sequence[str | Path]) -> list[Path]:
    """Every run folder in or below `folders`, each once, sorted.

    Raises RequestError for each folder that does not exist or holds no run.
    """
    problems, found = [], dict[Path, Path]()
    for folder in map(Path, folders):
        below = {path.resolve(): path for path in _below(folder.expanduser())}
        if not below:
            problems.append(_nothing_in(folder))
        found = {**below, **found}
    if problems:
        raise RequestError(problems)
    return sorted(found.values())


def _below(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        if SIGNS & set(files):
            names.clear()
            yield Path(place)
        names[:] = sorted(name for name in names if not name.startswith("."))


def _nothing_in(folder: Path) -> Problem:
    if folder.is_dir():
        remedy = "Name a folder with runs, or make one: python -m recipes.run task=summarize"
        return Problem(str(folder), "holds no run", remedy)
    if folder.exists():
        return Problem(str(folder), "is a file", "Name the folder of a run, or one with runs.")
    return Problem(str(folder), "there is no such folder", _remedy(folder))


def _remedy(folder: Path) -> str:
    beside = folder.parent if folder.parent.is_dir() else Path()
    near = nearest(folder.name, (path.name for path in beside.iterdir() if path.is_dir()))
    start = "Runs land in outputs/ of the folder where they were started."
    return f"Did you mean {near}?" if near else start
