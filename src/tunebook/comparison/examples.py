"""predictions.jsonl as numbers: what each test example adds to the headline metric."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunebook import documents
from tunebook.documents import BrokenDocument
from tunebook.metrics.bootstrap import Matrix
from tunebook.metrics.corpus import CORPUS_METRICS, statistics_of, value_of

STATISTICS = "statistics"
"""The optional key of a row that holds what the example adds to corpus metrics."""
AS_SCORED = 1e-6
LONGEST_REASON = 100
NOT_RESAMPLED = ("distinct1", "distinct2")
Identity = tuple[str, list[str]]
_SUMS = b', "statistics": {'
MISTYPED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True, eq=False)
class Examples:
    """The test examples of one run, ordered by id.

    content: a hash of ids and references: the same for runs that are paired example by example.
    statistics: shape (examples, k), what each example adds to the headline metric's sums; None for
        a metric that resampling says nothing about.
    """

    content: str
    count: int
    statistics: Matrix | None


def read_examples(path: Path, metrics: Mapping[str, Any]) -> Examples:
    """The examples in `path`, checked against the headline metric of metrics.json.

    Raises BrokenDocument where the file is cut off, or gives another score.
    """
    name = metrics["headline"]["name"]
    rows = _rows(path, name)
    expected = metrics["examples"].get("test")
    if len(rows) != expected:
        raise BrokenDocument(str(path), f"has {len(rows)} rows, metrics.json says {expected}")
    try:
        identities, rows = _in_order(rows)
        content = hashlib.sha256(repr(identities).encode()).hexdigest()[:10]
        statistics = None if name in NOT_RESAMPLED else _statistics(rows, name, metrics)
    except MISTYPED as error:
        raise BrokenDocument(str(path), f"{type(error).__name__} {_short(error)}") from None
    _check(path, statistics, name, metrics["headline"]["value"])
    return Examples(content, len(rows), statistics)


def read_answers(path: Path) -> list[dict[str, Any]]:
    """All of `path`, in the order in which runs are paired. Raises BrokenDocument."""
    try:
        rows = [json.loads(line) for line in documents.read_bytes(path).split(b"\n") if line]
        for row in rows:
            if not (isinstance(row["after"], str) and isinstance(row["scores"]["after"], dict)):
                raise TypeError("after is no text, or has no scores")
        return _in_order(rows)[1]
    except MISTYPED as error:
        raise BrokenDocument(str(path), f"{type(error).__name__} {_short(error)}") from None


def _short(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"


def _rows(path: Path, name: str) -> list[dict[str, Any]]:
    if not path.exists():
        raise BrokenDocument(str(path), "is missing")
    lines = documents.read_bytes(path).split(b"\n")
    wanted = b'"%s": [' % name.encode()
    try:
        whole = b",".join(_needed(line, wanted) for line in lines if line)
        rows: list[dict[str, Any]] = json.loads(b"[%s]" % whole)
    except (ValueError, RecursionError):
        raise BrokenDocument(str(path), "cannot be read to its end") from None
    return rows


def _needed(line: bytes, wanted: bytes) -> bytes:
    """A row without what no comparison needs, which is most of it: parsing takes the longest.

    Quotes inside a JSON text are escaped, so that these words can only be keys.
    """
    before, found, rest = line.partition(b', "prompt": "')
    _, last, after = rest.partition(b'", "references": ')
    if found and last:
        line = before + b', "references": ' + after
    row, _, sums = line.partition(_SUMS)
    counts, end, _ = sums.partition(b'"after": ')[2].partition(wanted)[2].partition(b"]")
    whole = end and line.endswith(b"}}}")
    return b'%s%s"after": {%s%s]}}}' % (row, _SUMS, wanted, counts) if whole else line


def _in_order(rows: list[dict[str, Any]]) -> tuple[list[Identity], list[dict[str, Any]]]:
    """What pairs each row with that of another run, and the rows, both in its order."""
    identities = [_identity(row) for row in rows]
    order = sorted(range(len(rows)), key=identities.__getitem__)
    return [identities[i] for i in order], [rows[i] for i in order]


def _identity(row: Mapping[str, Any]) -> Identity:
    references = row["references"]
    if type(references) is not list or not set(map(type, references)) <= {str}:
        raise TypeError("references is no list of texts")
    return str(row["id"]), references


def _statistics(rows: list[dict[str, Any]], name: str, metrics: Mapping[str, Any]) -> Matrix:
    if name not in CORPUS_METRICS:
        return np.array([[row["scores"]["after"][name]] for row in rows], dtype=np.float64)
    if all(STATISTICS in row for row in rows):
        counts = np.array([row[STATISTICS]["after"][name] for row in rows], dtype=np.float64)
        if counts.shape != (len(rows), CORPUS_METRICS[name]):
            raise ValueError(f"{STATISTICS} has another shape than {name} sums up")
        return counts
    texts = [row["after"] for row in rows]
    references = [row["references"] for row in rows]
    return statistics_of(name, texts, references, metrics["signatures"].get(name, ""))


def _check(path: Path, statistics: Matrix | None, name: str, value: float) -> None:
    if statistics is None:
        return
    found = value_of(name, statistics.sum(axis=0, keepdims=True), len(statistics)).item()
    if not abs(found - value) <= AS_SCORED * max(1.0, abs(value)):
        raise BrokenDocument(str(path), f"gives {name} {found:.4f}, metrics.json {value:.4f}")
