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


def training_summary(results: Results, request: Request) -> dict[str, Any]:
    """Medians and spreads of a training comparison.

    The machine's peak is the best matrix product that any of the processes reached.
    """
    sizes = Sizes(**results["ours"][0]["sizes"])
    tokens = request.bench.batch * request.bench.length
    peak = max(one["product_flops"] for some in results.values() for one in some)
    summary: dict[str, Any] = {"machine_peak_flops": peak, "sides": {},
                               "device": results["ours"][0]["device"]}  # fmt: skip
    for side in ("ours", "stock"):
        seconds = Spread.of(steps(results[side]))
        flops = step_flops(sizes, request, ours=side == "ours")
        summary["sides"][side] = {
            "step_seconds": dataclasses.asdict(seconds),
            "processor_seconds": dataclasses.asdict(Spread.of(processor_steps(results[side]))),
            "tokens_per_second": tokens / seconds.median,
            "peak_bytes": _median(results[side], "peak_bytes"),
            "above_model_bytes": _above_model(results[side]),
            "step_flops": flops,
            "share_of_peak": flops / seconds.median / peak,
            "loss": results[side][0]["loss"],
            "matmul": results[side][0]["matmul"],
        }
    summary["step_ratio"] = _ratio(results, steps)
    summary["processor_ratio"] = _ratio(results, processor_steps)
    summary["memory_ratio"] = _ratio(results, lambda some: [one["peak_bytes"] for one in some])
    return summary


def _ratio(results: Results, values: Callable[[list[dict[str, Any]]], list[float]]) -> Any:
    return dataclasses.asdict(ratio(values(results["stock"]), values(results["ours"])))


def _median(results: list[dict[str, Any]], name: str) -> float:
    return statistics.median(one[name] for one in results)


def _above_model(results: list[dict[str, Any]]) -> float:
    return statistics.median(one["peak_bytes"] - one["baseline_bytes"] for one in results)


def training_table(summary: dict[str, Any], title: str) -> Table:
    """Step, tokens, memory, share of the machine's peak, and the loss that both reach."""
    ours, stock = summary["sides"]["ours"], summary["sides"]["stock"]
    table = _table(title, "training", "Tunebook", "stock PEFT", "stock / Tunebook")
    table.add_row("step, s", _seconds(ours), _seconds(stock), _shown(summary["step_ratio"]))
    if _on_cpu(summary):
        table.add_row("processor time, s", _shown(ours["processor_seconds"], 3),
                      _shown(stock["processor_seconds"], 3),
                      _shown(summary["processor_ratio"]))  # fmt: skip
    _row(table, "tokens a second", ours, stock, "tokens_per_second", "{:,.0f}")
    memory = _shown(summary["memory_ratio"])
    _row(table, "peak memory, MiB", ours, stock, "peak_bytes", "{:,.0f}", MIB, memory)
    _row(table, "above the model, MiB", ours, stock, "above_model_bytes", "{:,.0f}", MIB)
    _row(table, "10⁹ operations a step", ours, stock, "step_flops", "{:,.1f}", 1e9)
    peak = f"{summary['machine_peak_flops'] / 1e9:,.0f} · 10⁹ a second"
    _row(table, "share of the machine's peak", ours, stock, "share_of_peak", "{:.0%}", last=peak)
    _row(table, "mean loss", ours, stock, "loss", "{:.5f}")
    table.add_row("products of matrices by", ours["matmul"], stock["matmul"])
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=number == 0)
    return table


def _row(
    table: Table, name: str, ours: dict[str, Any], stock: dict[str, Any], key: str, form: str,
    unit: float = 1, last: str = "",
) -> None:  # fmt: skip
    table.add_row(name, form.format(ours[key] / unit), form.format(stock[key] / unit), last)


def _on_cpu(summary: dict[str, Any]) -> bool:
    """On a card, processor time tells nothing."""
    return summary["device"] == "cpu"


def _seconds(side: dict[str, Any]) -> str:
    return _shown(side["step_seconds"], 3)


def _shown(spread: dict[str, float], digits: int = 2) -> str:
    median, low, high = (f"{spread[name]:.{digits}f}" for name in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def generation_summary(results: Results) -> dict[str, Any]:
    """Seconds for all examples, and the share of texts that padding changed."""
    return {
        "seconds": _generation_times(results, "seconds"),
        "processor_seconds": _generation_times(results, "processor_seconds"),
        "peak_bytes": {side: _median(some, "peak_bytes") for side, some in results.items()},
        "changed": {side: changed(results, side) for side in ("ours", "stock")},
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


NAMES = {"ours": "Tunebook", "stock": "stock, batched", "alone": "stock, one at a time"}


def generation_table(summary: dict[str, Any], title: str) -> Table:
    """Seconds, ratio and changed texts of the three ways to generate."""
    table = _table(title, "generation", *NAMES.values())
    add = table.add_row
    for key, name in (("seconds", "seconds"), ("processor_seconds", "processor time, s")):
        times = [summary[key][side] for side in NAMES]
        add(name, *(_shown(one, 1) for one in times))
        add("times Tunebook", "", *(_shown(one["times_ours"]) for one in times[1:]))
    add("peak memory, MiB", *(f"{summary['peak_bytes'][side] / MIB:,.0f}" for side in NAMES))
    changed_share = (f"{share:.0%}" for share in summary["changed"].values())
    add(f"texts changed, of {summary['compared']}", *changed_share)
    add("products of matrices by", *(summary["matmul"][side] for side in NAMES))
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
    """A row a value: step and memory of both sides."""
    table = _table(title, key, "Tunebook, s", "stock PEFT, s", "stock / Tunebook",
                   "of processor time", "Tunebook, MiB", "stock PEFT, MiB")  # fmt: skip
    for value, summary in summaries.items():
        sides = summary["sides"]
        memory = [f"{sides[side]['peak_bytes'] / MIB:,.0f}" for side in ("ours", "stock")]
        ratios = [_shown(summary[kind]) for kind in ("step_ratio", "processor_ratio")]
        times = [_seconds(sides[side]) for side in ("ours", "stock")]
        table.add_row(str(value), *times, *ratios, *memory)
    return table
