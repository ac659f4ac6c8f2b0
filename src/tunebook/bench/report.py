"""A whole request: measure, show, and return what was found."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunebook.bench import compare, table
from tunebook.bench.settings import Request
from tunebook.counting import counted

Say = Callable[[str], None]
Show = Callable[[Any], object]


def run(request: Request, say: Say, show: Show, plot: Path | None = None) -> dict[str, Any]:
    """Measure what `request` asks for; `show` gets a table for each comparison.

    Returns everything, for JSON. Raises RunFailed where a measurement fails.
    """
    if plot:
        _check_plotting()
    found: dict[str, Any] = {"request": dataclasses.asdict(request), "machine": _machine()}
    if request.bench.sweep:
        found["sweep"] = _sweep(request, say, show, plot)
    else:
        found |= {kind: _one(kind, request, say, show) for kind in request.bench.measure}
    found["machine"]["load_after"] = os.getloadavg()
    return found


def _check_plotting() -> None:
    from importlib.util import find_spec

    from tunebook.errors import Problem, RequestError

    if find_spec("matplotlib") is None:
        raise RequestError(Problem("--plot", "needs matplotlib", "pip install matplotlib"))


def _machine() -> dict[str, Any]:
    from tunebook.runs.environment import versions

    return {"cores": os.cpu_count(), "load_before": os.getloadavg(), "versions": versions()}


def _one(kind: str, request: Request, say: Say, show: Show) -> dict[str, Any]:
    results = compare.alternate(kind, request, say)
    if kind == "training":
        summary = table.training_summary(results, request)
        show(table.training_table(summary, title(request, results)))
    elif kind == "trainer":
        summary = table.trainer_summary(results)
        show(table.trainer_table(summary, title(request, results)))
    else:
        summary = table.generation_summary(results)
        show(table.generation_table(summary, _generation_title(request)))
    return {**summary, "raw": {side: _without_texts(some) for side, some in results.items()}}


def _without_texts(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: one[name] for name in one if name != "texts"} for one in results]


def title(request: Request, results: compare.Results) -> str:
    """What was measured, on what."""
    bench, first = request.bench, results["ours"][0]
    virtual = "" if request.method == "lora" else f", {bench.virtual} virtual tokens"
    return (
        f"{request.name}, {request.method}{virtual}, batch {bench.batch} x {bench.length} tokens "
        f"({request.target} labelled) · {first['device']}, {first['dtype']}, "
        f"{counted(first['threads'], 'thread')} · median (range) of {bench.repeats}"
    )


def _generation_title(request: Request) -> str:
    bench = request.bench
    return (
        f"{request.name}, {request.method}, {bench.examples} examples of {bench.length // 4} to "
        f"{2 * bench.length} tokens, at most {bench.new_tokens} new ones, "
        f"batches of {bench.decoding_batch} · median (range) of {bench.repeats}"
    )


def _sweep(request: Request, say: Say, show: Show, plot: Path | None) -> Any:
    key = request.bench.sweep
    assert key is not None
    summaries, results = {}, compare.sweep(request, say)
    for value, one in results.items():
        summaries[value] = table.training_summary(one, request.with_value(key, value))
    heading = title(request, next(iter(results.values())))
    show(table.sweep_table(summaries, key, heading))
    if plot:
        from tunebook.bench.figure import LABELS, draw

        draw(summaries, key, f"{request.name}, {request.method}: cost of {LABELS[key]}", plot)
        say(f"figure: {plot}")
    return {"key": key, "values": summaries}
