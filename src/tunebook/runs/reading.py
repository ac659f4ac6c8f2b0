"""A run folder as it is read back: every file with its types, or one line on what is wrong with it.

Every function raises `BrokenDocument`, which names the file. Nothing here is lenient: what a run
has written has these types, so that anything else was cut off, edited or made elsewhere.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook import documents
from tunebook.documents import BrokenDocument
from tunebook.errors import Problem
from tunebook.settings.reading import every_type
from tunebook.typed import convert

COMPLETE = "complete"
STATES = (COMPLETE, "failed", "running")
NAMES = ("task.name", "model.name", "method.name")
LARGEST = 1e18
"""No count, time or score of a run reaches this."""
NUMBERS = ("after", "parameters", "seconds", "throughput", "examples")
MAY_LACK = ("before", "loss")
TEXTS_OF_ENVIRONMENT = ("device", "dtype", "device_name", "model_content", "data_content", "matmul")
TOP_LEVEL = re.compile(r"^(?=[A-Za-z_]\w*:)", re.MULTILINE)


@dataclass(frozen=True)
class Status:
    """status.json: one of STATES, why it is not complete, and the last step."""

    state: str
    error: str = ""
    step: int = 0


def read_status(folder: Path) -> Status:
    """What became of the run."""
    file = folder / "status.json"
    found = _object(file)
    state, error, step = found.get("state"), found.get("error"), found.get("step")
    if state not in STATES:
        raise BrokenDocument(str(file), f"{state!r} is no state of a run")
    _check(file, "error", error, error is None or isinstance(error, str), "a text")
    _check(file, "step", step, step is None or _is_count(step), "a number")
    return Status(str(state), error or "", step or 0)


def read_settings(folder: Path) -> dict[str, Any]:
    """settings.yaml, nested, as it is written."""
    file = _there(folder / "settings.yaml")
    found: dict[str, Any] = documents.read_yaml(file)
    return found


def read_flat_settings(folder: Path) -> dict[str, Any]:
    """Every setting by its full key, of its type; keys that this version lacks are kept."""
    file = _there(folder / "settings.yaml")
    blocks = TOP_LEVEL.split(documents.read_text(file, documents.LARGEST_YAML))
    found: dict[str, Any] = {}
    try:
        for block in blocks:
            found.update(_block(block))
    except BrokenDocument as error:
        raise BrokenDocument(str(file), f"{error.problem.where} {error.problem.what}") from None
    lacking = [key for key in NAMES if not isinstance(found.get(key), str)]
    if lacking:
        raise BrokenDocument(str(file), f"lacks {', '.join(lacking)}")
    return found


@functools.lru_cache(maxsize=4096)
def _block(text: str) -> Mapping[str, Any]:
    """One top-level key with all that is below it: runs of a sweep share most of them."""
    key = text.partition(":")[0] if TOP_LEVEL.match(text) else "it"
    found = flat(documents.parse_yaml(text, key)) if text.strip() else {}
    for name, value in found.items():
        if problems := _misfits(name, value):
            raise BrokenDocument(name, problems[0].what)
    return found


def _misfits(key: str, value: Any) -> list[Problem]:
    """What is wrong with a value; nothing if it fits the key in any kind of task or method."""
    misfits: list[Problem] = []
    for kind in every_type().get(key, ()):
        problems: list[Problem] = []
        convert(kind, value, key, problems)
        if not problems:
            return []
        misfits += problems
    return misfits


def flat(settings: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Nested settings by full key; an empty dictionary below a key stays as it is."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        where = f"{path}{name}"
        nested = isinstance(value, Mapping) and value
        found.update(flat(value, f"{where}.") if nested else {where: value})
    return found


def read_environment(folder: Path) -> dict[str, Any]:
    """environment.json; empty where there is none, as of a run that failed early."""
    file = folder / "environment.json"
    if not file.exists():
        return {}
    found = _object(file)
    for key in TEXTS_OF_ENVIRONMENT:
        value = found.get(key)
        _check(file, key, value, value is None or isinstance(value, str), "a text")
    packages, git, threads = (found.get(key) for key in ("packages", "git", "threads"))
    _check(file, "packages", packages, packages is None or _holds(packages, _is_text), "versions")
    _check(file, "git", git, git is None or isinstance(git, dict), "a commit")
    _check(file, "threads", threads, threads is None or _is_count(threads), "a number")
    return found


def read_metrics(folder: Path) -> dict[str, Any]:
    """metrics.json of a finished run."""
    file = folder / "metrics.json"
    found = documents.read_json(_there(file), dict, finite=True)
    _check_headline(file, found.get("headline"))
    lacking = [name for name in (*NUMBERS, "signatures") if not isinstance(found.get(name), dict)]
    if lacking:
        raise BrokenDocument(str(file), f"lacks {', '.join(lacking)}")
    for name in (*NUMBERS, *MAY_LACK):
        fits = _holds(found.get(name, {}), _is_number_or_none)
        _check(file, name, found.get(name), fits, "numbers")
    _check(file, "signatures", found["signatures"], _holds(found["signatures"], _is_text), "texts")
    for name in ("adapter_bytes", "peak_memory_bytes", "added_tokens", "best_step", "steps"):
        _check(file, name, found.get(name), _is_number_or_none(found.get(name)), "a number")
    return dict(found)


def read_trial(folder: Path) -> dict[str, Any]:
    """metrics.json of a finished trial of a search."""
    file = folder / "metrics.json"
    found = _object(file)
    if "validation_loss" not in found:
        raise BrokenDocument(str(file), "lacks the validation loss")
    for name in ("validation_loss", "best_step", "steps", "trainable", "peak_memory_bytes"):
        _check(file, name, found.get(name), _is_number_or_none(found.get(name)), "a number")
    seconds = found.get("seconds", {})
    _check(file, "seconds", seconds, _holds(seconds, _is_number_or_none), "numbers")
    return found


def _check_headline(file: Path, found: Any) -> None:
    if not isinstance(found, dict) or not {"name", "value"} <= set(found):
        raise BrokenDocument(str(file), "lacks the headline metric")
    _check(file, "headline.name", found["name"], isinstance(found["name"], str), "a text")
    _check(file, "headline.value", found["value"], _is_number(found["value"]), "a number")
    ends = found.get("interval")
    fits = ends is None or (
        isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends))
    )
    _check(file, "headline.interval", ends, fits, "two numbers")


def _object(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = documents.read_json(_there(file), dict)
    return found


def _there(file: Path) -> Path:
    if not file.exists():
        raise BrokenDocument(str(file), "is missing")
    return file


def _check(file: Path, key: str, value: Any, fits: bool, what: str) -> None:
    if not fits:
        shown = repr(value)
        shown = shown if len(shown) <= 40 else f"{shown[:39]}…"
        raise BrokenDocument(str(file), f"{key} is {shown}, not {what}")


def _holds(found: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(found, dict) and all(map(fits, found.values()))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and _is_number(value) and value >= 0


def _is_number_or_none(value: Any) -> bool:
    return value is None or _is_number(value)
