"""Reading run folders: first what they are, then the scores of those that are asked for."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tunebook.comparison.filters import STATE, Filter, problems_of
from tunebook.comparison.folders import run_folders
from tunebook.comparison.keys import flat
from tunebook.comparison.run import COMPLETE, Broken, Run
from tunebook.errors import Problem, RequestError

STATES = (COMPLETE, "failed", "running")
OF_THE_FOLDER = ("task.name", "model.name", "method.name")
TOP_LEVEL = re.compile(r"^(?=[A-Za-z_]\w*:)", re.MULTILINE)
_Yaml: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Skipped:
    """A folder that was left out, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"skipped {self.path}: {self.reason}"


@dataclass(frozen=True)
class Loaded:
    """What was found: the runs that are asked for, and the folders that cannot be read."""

    runs: list[Run]
    skipped: list[Skipped]


def load(folders: Sequence[str | Path], filters: Sequence[Filter] = ()) -> Loaded:
    """The runs in and below `folders` that every filter keeps.

    A folder that cannot be read is skipped and told. Predictions are read only of runs that are
    kept. Raises RequestError with every problem of folders and filters.
    """
    runs, skipped = _each(run_folders(folders), _known)
    kept = _asked_for(runs, filters)
    scored, broken = _each(kept, _scored)
    return Loaded(scored, [*skipped, *broken])


def _each(items: Sequence[Any], read: Any) -> tuple[list[Run], list[Skipped]]:
    runs, skipped = [], []
    for item in items:
        try:
            runs.append(read(item))
        except Broken as error:
            skipped.append(Skipped(item if isinstance(item, Path) else item.path, str(error)))
    return runs, skipped


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
    """All but the scores. Raises Broken."""
    status = _object(path / "status.json")
    state = status.get("state")
    if state not in STATES:
        raise Broken(f"status.json: {state!r} is no state of a run")
    environment = _environment(path)
    settings = _settings(path, state)
    return Run(path, state, _reason(status), _effective(settings, environment), environment)


def _object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict):
        return content
    raise Broken(f"{path.name} {'cannot be read' if path.exists() else 'is missing'}")


def _environment(path: Path) -> dict[str, Any]:
    try:
        return _object(path / "environment.json")
    except Broken:
        return {}  # a run that failed early has none


def _reason(status: Mapping[str, Any]) -> str:
    if status["state"] == COMPLETE:
        return ""
    error = str(status.get("error") or "").encode("utf-8", "replace")  # JSON can hold what it can't
    lines = error.decode("utf-8").strip().splitlines()
    return lines[0] if lines else f"at step {status.get('step', 0)}"


def _settings(path: Path, state: str) -> dict[str, Any]:
    """By full key. A run that failed before it wrote any is known by the names of its folders."""
    file = path / "settings.yaml"
    if not file.exists() and state != COMPLETE:
        return _from_folders(path)
    try:
        settings = _flat_yaml(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        what = "cannot be read" if file.exists() else "is missing"
        raise Broken(f"settings.yaml {what}") from None
    lacking = [key for key in OF_THE_FOLDER if not isinstance(settings.get(key), str)]
    if lacking:
        raise Broken(f"settings.yaml lacks {', '.join(lacking)}")
    return settings


def _flat_yaml(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for block in TOP_LEVEL.split(text):
        found.update(_block(block))
    return found


@functools.lru_cache(maxsize=4096)
def _block(text: str) -> dict[str, Any]:
    """One top-level key with all that is below it: runs of a sweep share most of them."""
    return flat(yaml.load(text, _Yaml) or {})  # noqa: S506


def _from_folders(path: Path) -> dict[str, Any]:
    named = path.resolve().parts[-4:]
    if len(named) < 4:
        raise Broken("settings.yaml is missing")
    return {**dict(zip(OF_THE_FOLDER, named, strict=False)), "label": named[3]}


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
    """With metrics and predictions, if it is complete. Raises Broken."""
    if not run.complete:
        return run
    from tunebook.comparison.predictions import read_predictions

    metrics = _object(run.path / "metrics.json")
    if problem := _lacking(metrics):
        raise Broken(f"metrics.json {problem}")
    predictions = read_predictions(run.path / "predictions.jsonl", metrics)
    return replace(run, metrics=metrics, predictions=predictions)


def _lacking(metrics: Mapping[str, Any]) -> str:
    headline = metrics.get("headline")
    if not isinstance(headline, dict) or not {"name", "value"} <= set(headline):
        return "lacks the headline metric"
    if not isinstance(headline["value"], int | float):
        return "has a headline metric that is no number"
    groups = ("after", "signatures", "parameters", "seconds", "throughput", "examples")
    lacking = [name for name in groups if not isinstance(metrics.get(name), dict)]
    return f"lacks {', '.join(lacking)}" if lacking else ""
