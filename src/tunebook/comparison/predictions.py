"""predictions.jsonl as numbers: what each test example adds to the headline metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunebook.comparison.corpus import CORPUS_METRICS, NOT_RESAMPLED, statistics_of, value_of
from tunebook.comparison.run import Broken
from tunebook.metrics.bootstrap import Matrix

STATISTICS = "statistics"
"""The optional key of a row that holds what the example adds to corpus metrics."""
AS_SCORED = 1e-6


@dataclass(frozen=True, eq=False)
class Predictions:
    """The test examples of one run, ordered by id.

    content: a hash of ids and references: the same for runs that are paired example by example.
    statistics: shape (examples, k), what each example adds to the headline metric's sums; None for
        a metric that resampling says nothing about.
    """

    content: str
    count: int
    statistics: Matrix | None


def read_predictions(path: Path, metrics: Mapping[str, Any]) -> Predictions:
    """The predictions in `path`, checked against the headline metric of metrics.json.

    Raises Broken where the file is cut off, or gives another score.
    """
    rows = _rows(path)
    expected = metrics["examples"].get("test")
    if len(rows) != expected:
        raise Broken(f"predictions.jsonl has {len(rows)} rows, metrics.json says {expected}")
    name = metrics["headline"]["name"]
    try:
        rows.sort(key=_identity)
        content = hashlib.sha256(repr(list(map(_identity, rows))).encode()).hexdigest()[:10]
        statistics = None if name in NOT_RESAMPLED else _statistics(rows, name, metrics)
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"predictions.jsonl: {type(error).__name__} {error}") from None
    _check(statistics, name, metrics["headline"]["value"])
    return Predictions(content, len(rows), statistics)


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_bytes().split(b"\n")
        rows = json.loads(b"[%s]" % b",".join(_needed(line) for line in lines if line))
    except FileNotFoundError:
        raise Broken("predictions.jsonl is missing") from None
    except (OSError, ValueError):
        raise Broken("predictions.jsonl cannot be read to its end") from None
    return rows


def _needed(line: bytes) -> bytes:
    """A row without what no comparison needs, which is most of it: parsing takes the longest.

    Quotes inside a JSON text are escaped, so that these words can only be keys.
    """
    line = _without(line, b', "prompt": "', b'", "references": ', b', "references": ')
    return _without(line, b'"statistics": {"before": ', b', "after": ', b'"statistics": {"after": ')


def _without(line: bytes, start: bytes, end: bytes, instead: bytes) -> bytes:
    before, found, rest = line.partition(start)
    _, last, after = rest.partition(end)
    return before + instead + after if found and last else line


def _identity(row: Mapping[str, Any]) -> tuple[str, list[str]]:
    return str(row["id"]), row["references"]


def _statistics(rows: list[dict[str, Any]], name: str, metrics: Mapping[str, Any]) -> Matrix:
    if name not in CORPUS_METRICS:
        return np.array([[row["scores"]["after"][name]] for row in rows], dtype=np.float64)
    if all(STATISTICS in row for row in rows):
        return np.array([row[STATISTICS]["after"][name] for row in rows], dtype=np.float64)
    texts = [row["after"] for row in rows]
    references = [row["references"] for row in rows]
    return statistics_of(name, texts, references, metrics["signatures"].get(name, ""))


def _check(statistics: Matrix | None, name: str, value: float) -> None:
    if statistics is None:
        return
    found = value_of(name, statistics.sum(axis=0, keepdims=True), len(statistics)).item()
    if not abs(found - value) <= AS_SCORED * max(1.0, abs(value)):
        raise Broken(f"predictions.jsonl gives {name} {found:.4f}, metrics.json {value:.4f}")
