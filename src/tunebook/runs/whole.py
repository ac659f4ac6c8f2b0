"""Whether the files of a finished run open: a run is answered from its folder only then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tunebook import documents
from tunebook.documents import BrokenDocument
from tunebook.errors import Problem, RequestError

STATUS = "status.json"
TRIAL_FILES = ("settings.yaml", STATUS, "environment.json")
RUN_FILES = (*TRIAL_FILES, "metrics.json", "predictions.jsonl")
ADAPTER, MODEL = "adapter", "model"
COMPLETE, FAILED, RUNNING = "complete", "failed", "running"
SCORES: dict[str, type | tuple[type, ...]] = {
    "task": str, "data": str, "model": str, "method": str, "seed": int, "headline": dict,
    "before": dict, "after": dict, "loss": dict, "parameters": dict, "seconds": dict,
    "throughput": dict, "examples": dict,
}  # fmt: skip


def faults(path: Path, names: Sequence[str]) -> list[Problem]:
    """What is wrong with the files `names` of the finished run at `path`: nothing where all open.

    names: of those above. Weights count as whole where their headers and lengths agree.
    """
    found = [problem for name in names for problem in _faults_of(path / name, name)]
    return found or (_rows_missing(path) if "predictions.jsonl" in names else [])


def _faults_of(file: Path, name: str) -> list[Problem]:
    try:
        _CHECKS[name](file)
    except RequestError as error:
        return error.problems
    return []


def _rows_missing(path: Path) -> list[Problem]:
    expected = documents.read_json(path / "metrics.json")["examples"].get("test")
    found = sum(1 for _ in documents.json_lines(path / "predictions.jsonl"))
    what = f"has {found} rows, metrics.json says {expected}"
    return [] if found == expected else [Problem(str(path / "predictions.jsonl"), what)]


def _status(file: Path) -> None:
    if (state := documents.read_json(file, dict).get("state")) != COMPLETE:
        raise BrokenDocument(str(file), f"gives no state of a run: {state!r}")


def _scores(file: Path) -> None:
    metrics = documents.read_json(file, dict)
    lacking = [key for key, kind in SCORES.items() if not isinstance(metrics.get(key), kind)]
    if lacking:
        raise BrokenDocument(str(file), f"lacks {', '.join(lacking)}")
    if not {"name", "value"} <= set(metrics["headline"]):
        raise BrokenDocument(str(file), "lacks the headline metric")
    numbers = [*metrics["before"].values(), *metrics["after"].values()]
    names = set(metrics["before"]) ^ set(metrics["after"])
    if names or not all(isinstance(one, int | float) for one in numbers) or not numbers:
        raise BrokenDocument(str(file), "has scores that are no numbers")


def _weights(folder: Path, config: str) -> None:
    documents.read_json(folder / config, dict)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise BrokenDocument(str(folder), "lacks the trained weights")
    for file in files:
        _open_tensors(file)


def _open_tensors(file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as tensors:
            there = bool(tensors.keys())
    except (OSError, SafetensorError) as error:
        raise BrokenDocument(str(file), f"cannot be read: {error}") from None
    if not there:
        raise BrokenDocument(str(file), "holds no weights")


_CHECKS: dict[str, Callable[[Path], Any]] = {
    "settings.yaml": documents.read_yaml,
    STATUS: _status,
    "environment.json": lambda file: documents.read_json(file, dict),
    "metrics.json": _scores,
    "predictions.jsonl": lambda file: list(documents.json_lines(file)),
    ADAPTER: lambda folder: _weights(folder, "adapter_config.json"),
    MODEL: lambda folder: _weights(folder, "config.json"),
}
