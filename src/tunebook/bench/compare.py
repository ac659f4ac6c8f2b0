"""Measurements of all sides, taking turns, each in a fresh process, and what they come to."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.bench.settings import SWEEPS, Request
from tunebook.errors import RunFailed

Say = Callable[[str], None]
SIDES = {"training": ("ours", "loop", "stock"), "generation": ("ours", "loop", "stock", "alone"),
         "trainer": ("ours", "bare")}  # fmt: skip


@dataclass(frozen=True)
class Spread:
    """A median with the lowest and highest value beside it."""

    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        """The spread of some values."""
        return Spread(statistics.median(values), min(values), max(values))


Results = dict[str, list[dict[str, Any]]]
"""What each repeat measured, by side."""


def alternate(kind: str, request: Request, say: Say) -> Results:
    """`bench.repeats` rounds in which each side of `kind` is measured once."""
    job = "training" if kind == "trainer" else kind
    results: Results = {side: [] for side in SIDES[kind]}
    for turn in range(request.bench.repeats):
        for side in SIDES[kind]:
            say(f"{kind}: {side}, {turn + 1} of {request.bench.repeats}")
            results[side].append(in_own_process(job, side, request))
    return results


def in_own_process(kind: str, side: str, request: Request) -> dict[str, Any]:
    """What a fresh process measures. Raises RunFailed with its last words where it fails."""
    with tempfile.TemporaryDirectory(prefix="tunebook-bench-") as folder:
        job, result = Path(folder) / "job.json", Path(folder) / "result.json"
        content = {"kind": kind, "side": side, "request": dataclasses.asdict(request)}
        job.write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-m", "tunebook.bench.measure", str(job), str(result)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(request), check=False
        )
        if done.returncode or not result.exists():
            last = next(reversed(done.stderr.strip().splitlines()), f"exit {done.returncode}")
            raise RunFailed(f"the measurement of {side} ({kind}) failed: {last}")
        return json.loads(result.read_text(encoding="utf-8"))


def _environment(request: Request) -> dict[str, str]:
    threads = request.bench.threads
    own = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} if threads else {}
    return {**os.environ, **own, "TOKENIZERS_PARALLELISM": "false"}


def steps(results: list[dict[str, Any]]) -> list[float]:
    """The median step of each process, in seconds."""
    return [statistics.median(one["step_seconds"]) for one in results]


def processor_steps(results: list[dict[str, Any]]) -> list[float]:
    """The same in processor time, which others on the machine disturb less."""
    return [statistics.median(one["processor_seconds"]) for one in results]


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Each repeat's own ratio: neighbours in time shared the machine's mood."""
    return Spread.of([a / b for a, b in zip(above, below, strict=True)])


def changed(results: Results, side: str) -> float:
    """The share of examples whose text is not the one that stock gives one at a time."""
    alone = results["alone"][0]["texts"]
    texts = results[side][0]["texts"]
    return sum(texts[i] != text for i, text in alone.items()) / len(alone)


def sweep(request: Request, say: Say) -> dict[int, Results]:
    """Training of all sides for each value of the key that `bench.sweep` names."""
    key = request.bench.sweep
    assert key is not None
    found = {}
    for value in request.bench.values or SWEEPS[key]:
        say(f"{key} {value}")
        found[value] = alternate("training", request.with_value(key, value), say)
    return found
