"""What was measured, as tables for a terminal and as plain values for JSON."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable
from typing import Any

from rich.table import Table

from tunebook.bench.compare import Results, Spread, changed, processor_steps, ratio, steps
from tunebook.bench.flops import Sizes, step_flops
from tunebook.bench.settings import Request

MIB = 2**20
NAMES = {"ours": "Tunebook", "loop": "plain loop", "stock": "stock PEFT"}
"""The sides of a training comparison; every table has them in this order."""


def training_summary(results: Results, request: Request) -> dict[str, Any]:
    """Medians and spreads of a training comparison.

    The machine's peak is the best matrix product that any of the processes reached.
    """
    first = results["ours"][0]
    peak = max(one["product_flops"] for some in results.values() for one in some)
    sides = {side: _side(some, request, ours=side != "stock") for side, some in results.items()}
    for side, found in sides.items():
        found["share_of_peak"] = found["step_flops"] / found["step_seconds"]["median"] / peak
        found["times_ours"] = {
            name: _ratio(results, side, values) for name, values in TIMED.items()
        }
    return {"machine_peak_flops": peak, "sides": sides, "device": first["device"]}


TIMED: dict[str, Callable[[list[dict[str, Any]]], list[float]]] = {
    "step_seconds": steps,
    "processor_seconds": processor_steps,
    "peak_bytes": lambda some: [one["peak_bytes"] for one in some],
}


def _side(results: list[dict[str, Any]], request: Request, *, ours: bool) -> dict[str, Any]:
    seconds = Spread.of(steps(results))
    return {
        "step_seconds": dataclasses.asdict(seconds),
        "processor_seconds": dataclasses.asdict(Spread.of(processor_steps(results))),
        "tokens_per_second": request.bench.batch * request.bench.length / seconds.median,
        "peak_bytes": _median(results, "peak_bytes"),
        "above_model_bytes": _above_model(results),
        "step_flops": step_flops(Sizes(**results[0]["sizes"]), request, ours=ours),
        "loss": results[0]["loss"],
        "matmul": results[0]["matmul"],
    }


def _ratio(
    results: Results, side: str, values: Callable[[list[dict[str, Any]]], list[float]]
) -> dict[str, float]:
    return dataclasses.asdict(ratio(values(results[side]), values(results["ours"])))


def _median(results: list[dict[str, Any]], name: str) -> float:
    return statistics.median(one[name] for one in results)


def _above_model(results: list[dict[str, Any]]) -> float:
    return statistics.median(one["peak_bytes"] - one["baseline_bytes"] for one in results)


def training_table(summary: dict[str, Any], title: str) -> Table:
    """Step, tokens, memory, share of the machine's peak, and the loss that all sides reach."""
    sides = [summary["sides"][side] for side in NAMES]
    table = _table(title, "training", *NAMES.values())
    add = table.add_row
    times = {"step_seconds": "step, s"}
    if _on_cpu(summary):
        times["processor_seconds"] = "processor time, s"
    for key, name in times.items():
        add(name, *(_shown(side[key], 3) for side in sides))
        _add_times(table, sides, key)
    for key, name, form, unit in ROWS:
        add(name, *(form.format(side[key] / unit) for side in sides))
        if key == "peak_bytes":
            _add_times(table, sides, key)
    add("products of matrices by", *(side["matmul"] for side in sides))
    table.caption = f"the machine's peak: {summary['machine_peak_flops'] / 1e9:,.0f} · 10⁹ a second"
    return table


ROWS = (("tokens_per_second", "tokens a second", "{:,.0f}", 1),
        ("peak_bytes", "peak memory, MiB", "{:,.0f}", MIB),
        ("above_model_bytes", "above the model, MiB", "{:,.0f}", MIB),
        ("step_flops", "10⁹ operations a step", "{:,.1f}", 1e9),
        ("share_of_peak", "share of the machine's peak", "{:.0%}", 1),
        ("loss", "mean loss", "{:.5f}", 1))  # fmt: skip


def _add_times(table: Table, sides: list[dict[str, Any]], key: str) -> None:
    table.add_row(TIMES, "", *(_shown(side["times_ours"][key]) for side in sides[1:]))


TIMES = "times Tunebook"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=number == 0)
    return table


def _on_cpu(summary: dict[str, Any]) -> bool:
    """On a card, processor time tells nothing."""
    return summary["device"] == "cpu"


def _shown(spread: dict[str, float], digits: int = 2) -> str:
    median, low, high = (f"{spread[name]:.{digits}f}" for name in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def generation_summary(results: Results) -> dict[str, Any]:
    """Seconds for all examples, and the share of texts that padding changed."""
    return {
        "seconds": _generation_times(results, "seconds"),
        "processor_seconds": _generation_times(results, "processor_seconds"),
        "peak_bytes": {side: _median(some, "peak_bytes") for side, some in results.items()},
        "changed": {side: changed(results, side) for side in NAMES},
        "compared": len(results["alone"][0]["texts"]),
        "matmul": {side: some[0]["matmul"] for side, some in results.items()},
    }


def _generation_times(results: Results, key: str) -> dict[str, Any]:
    """By side: the time, and how many times that of this project it is."""
    times = {side: [one[key] for one in some] for side, some in results.items()}
    return {
        side: {
            **dataclasses.asdict(Spread.of(some)),
            "times_ours": dataclasses.asdict(ratio(some, times["ours"])),
        }
        for side, some in times.items()
    }


WAYS = {**NAMES, "stock": "stock, batched", "alone": "stock, one at a time"}


def generation_table(summary: dict[str, Any], title: str) -> Table:
    """Seconds, ratio and changed texts of all ways to generate."""
    table = _table(title, "generation", *WAYS.values())
    add = table.add_row
    for key, name in (("seconds", "seconds"), ("processor_seconds", "processor time, s")):
        times = [summary[key][side] for side in WAYS]
        add(name, *(_shown(one, 1) for one in times))
        add(TIMES, "", *(_shown(one["times_ours"]) for one in times[1:]))
    add("peak memory, MiB", *(f"{summary['peak_bytes'][side] / MIB:,.0f}" for side in WAYS))
    changed_share = (f"{share:.0%}" for share in summary["changed"].values())
    add(f"texts changed, of {summary['compared']}", *changed_share)
    add("products of matrices by", *(summary["matmul"][side] for side in WAYS))
    return table


def trainer_summary(results: Results) -> dict[str, Any]:
    """What the Trainer adds to a bare loop, as a share of its step."""
    found: dict[str, Any] = {}
    for name, values in (("step_seconds", steps), ("processor_seconds", processor_steps)):
        ours, bare = values(results["ours"]), values(results["bare"])
        found[name] = {
            "ours": dataclasses.asdict(Spread.of(ours)),
            "bare": dataclasses.asdict(Spread.of(bare)),
            "ratio": dataclasses.asdict(ratio(ours, bare)),
        }
    return found


def trainer_table(summary: dict[str, Any], title: str) -> Table:
    """Our Trainer beside a bare loop of the same model and batches."""
    table = _table(title, "trainer", "Tunebook", "bare loop", "Tunebook / bare")
    for key, name in (("step_seconds", "step, s"), ("processor_seconds", "processor time, s")):
        found = summary[key]
        table.add_row(name, *(_shown(found[column], 3) for column in ("ours", "bare", "ratio")))
    return table


def sweep_table(summaries: dict[int, dict[str, Any]], key: str, title: str) -> Table:
    """A row a value: step (on a CPU its processor time), ratio and memory of all sides."""
    others = list(NAMES.values())[1:]
    table = _table(title, key, *(f"{name}, s" for name in NAMES.values()),
                   *(f"{name} / Tunebook" for name in others),
                   *(f"{name}, MiB" for name in NAMES.values()))  # fmt: skip
    for value, summary in summaries.items():
        sides = [summary["sides"][side] for side in NAMES]
        time = "processor_seconds" if _on_cpu(summary) else "step_seconds"
        times = [_shown(side[time], 3) for side in sides]
        ratios = [_shown(side["times_ours"][time]) for side in sides[1:]]
        memory = [f"{side['peak_bytes'] / MIB:,.0f}" for side in sides]
        table.add_row(str(value), *times, *ratios, *memory)
    return table
