"""A whole request: measure, show a table for each comparison, and return what was found."""

from __future__ import annotations

import dataclasses
import os
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from tunebook.bench import measure
from tunebook.bench.measure import Results
from tunebook.bench.settings import SWEEPS, Request
from tunebook.counting import counted

Say = Callable[[str], None]
Show = Callable[[Any], object]
Summary = dict[str, Any]
Cells = tuple[str, Callable[[Any], str]]
"""The name of a row of a table, and the text of a side's value in it."""
Spread = dict[str, float]
"""A median with the lowest and highest value beside it."""
MIB = 2**20
NAMES = {"ours": "Tunebook", "loop": "plain loop", "stock": "stock PEFT"}
"""The sides of a training comparison; every table has them in this order."""
WAYS = {**NAMES, "stock": "stock, batched", "alone": "stock, one at a time"}
TIMES = "times Tunebook"
SWEPT = {"virtual": "virtual tokens", "batch": "rows in a batch", "length": "tokens in a row"}


def run(request: Request, say: Say, show: Show, plot: Path | None = None) -> Summary:
    """Measure what `request` asks for; `show` gets a table for each comparison.

    Returns everything, for JSON. Raises RunFailed where a measurement fails.
    """
    from tunebook.runs.environment import versions

    machine: Summary = {"cores": os.cpu_count(), "load_before": os.getloadavg()}
    machine["versions"] = versions()
    found: Summary = {"request": dataclasses.asdict(request), "machine": machine}
    if request.bench.sweep:
        found["sweep"] = _sweep(request, say, show, plot)
    else:
        found |= {kind: _one(kind, request, say, show) for kind in request.bench.measure}
    machine["load_after"] = os.getloadavg()
    return found


def _one(kind: str, request: Request, say: Say, show: Show) -> Summary:
    results = measure.alternate(kind, request, say)
    if kind == "training":
        summary = _training(results, request)
        show(_training_table(summary, _title(request, results)))
    elif kind == "trainer":
        summary = _trainer(results)
        show(_trainer_table(summary, _title(request, results)))
    else:
        summary = _generation(results)
        show(_generation_table(summary, _generation_title(request)))
    raw = {
        side: [{name: one[name] for name in one if name != "texts"} for one in some]
        for side, some in results.items()
    }
    return {**summary, "raw": raw}


def _title(request: Request, results: Results) -> str:
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


def _values(results: Sequence[dict[str, Any]], name: str) -> list[float]:
    """What each process measured: of a list, as of its steps, the median."""
    found = [one[name] for one in results]
    return [statistics.median(one) if isinstance(one, list) else one for one in found]


def _spread(values: Sequence[float]) -> Spread:
    return {"median": statistics.median(values), "low": min(values), "high": max(values)}


def _ratio(name: str, above: Sequence[Any], below: Sequence[Any]) -> Spread:
    """Each repeat's own ratio: neighbours in time shared the machine's mood."""
    pairs = zip(_values(above, name), _values(below, name), strict=True)
    return _spread([a / b for a, b in pairs])


def _training(results: Results, request: Request) -> Summary:
    """The machine's peak is the best matrix product that any of the processes reached."""
    peak = max(one["product_flops"] for some in results.values() for one in some)
    sides = {}
    for side, some in results.items():
        found = _side(some, results["ours"], ("step_seconds", "processor_seconds", "peak_bytes"))
        seconds, flops = found["step_seconds"]["median"], some[0]["step_flops"]
        above = [one["peak_bytes"] - one["baseline_bytes"] for one in some]
        sides[side] = found | {
            "tokens_per_second": request.bench.batch * request.bench.length / seconds,
            "above_model_bytes": statistics.median(above),
            "step_flops": flops,
            "loss": some[0]["loss"],
            "share_of_peak": flops / seconds / peak,
        }
    device = results["ours"][0]["device"]
    return {"machine_peak_flops": peak, "sides": sides, "device": device}


def _side(some: list[dict[str, Any]], ours: list[dict[str, Any]], names: Sequence[str]) -> Summary:
    """What all kinds of measurement tell of a side; `names` are compared with ours."""
    return {
        **{name: _spread(_values(some, name)) for name in names},
        "peak_bytes": statistics.median(_values(some, "peak_bytes")),
        "matmul": some[0]["matmul"],
        "times_ours": {name: _ratio(name, some, ours) for name in names},
    }


def _training_table(summary: Summary, title: str) -> Table:
    """Step, tokens, memory, share of the machine's peak, and the loss that all sides reach."""
    clocks = [name for name in CLOCKS if name == "step_seconds" or _on_cpu(summary)]
    rows = {name: CLOCKS[name] for name in clocks} | ROWS
    table = _sides_table(summary, title, "training", NAMES, rows)
    table.caption = f"the machine's peak: {summary['machine_peak_flops'] / 1e9:,.0f} · 10⁹ a second"
    return table


def _sides_table(
    summary: Summary, title: str, kind: str, names: dict[str, str], rows: dict[str, Cells]
) -> Table:
    """A column a side; below what is compared, how many times ours it is."""
    table = _table(title, kind, *names.values())
    sides = [summary["sides"][side] for side in names]
    for key, (name, shown) in rows.items():
        table.add_row(name, *(shown(side[key]) for side in sides if key in side))
        if key in sides[0]["times_ours"]:
            table.add_row(TIMES, "", *(_shown(side["times_ours"][key]) for side in sides[1:]))
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left", no_wrap=number == 0)
    return table


def _on_cpu(summary: Summary) -> bool:
    """On a card, processor time tells nothing."""
    return bool(summary["device"] == "cpu")


def _shown(spread: Spread, digits: int = 2) -> str:
    median, low, high = (f"{spread[name]:.{digits}f}" for name in ("median", "low", "high"))
    return median if low == high else f"{median} ({low}-{high})"


def _mebibytes(count: float) -> str:
    return f"{count / MIB:,.0f}"


CLOCKS: dict[str, Cells] = {
    "step_seconds": ("step, s", lambda spread: _shown(spread, 3)),
    "processor_seconds": ("processor time, s", lambda spread: _shown(spread, 3)),
}
ROWS: dict[str, Cells] = {
    "tokens_per_second": ("tokens a second", "{:,.0f}".format),
    "peak_bytes": ("peak memory, MiB", _mebibytes),
    "above_model_bytes": ("above the model, MiB", _mebibytes),
    "step_flops": ("10⁹ operations a step", lambda flops: f"{flops / 1e9:,.1f}"),
    "share_of_peak": ("share of the machine's peak", "{:.0%}".format),
    "loss": ("mean loss", "{:.5f}".format),
    "matmul": ("products of matrices by", str),
}


def _generation(results: Results) -> Summary:
    """Seconds for all examples, and the share of texts that padding changed."""
    timed = ("seconds", "processor_seconds")
    shares = {side: changed(results, side) for side in NAMES}
    sides = {side: _side(some, results["ours"], timed) for side, some in results.items()}
    for side, share in shares.items():
        sides[side]["changed"] = share
    return {"sides": sides, "changed": shares, "compared": len(results["alone"][0]["texts"])}


def changed(results: Results, side: str) -> float:
    """The share of examples whose text is not the one that stock gives one at a time."""
    alone, texts = results["alone"][0]["texts"], results[side][0]["texts"]
    return sum(texts[i] != text for i, text in alone.items()) / len(alone)


def _generation_table(summary: Summary, title: str) -> Table:
    """Seconds, ratio and changed texts of all ways to generate."""
    rows: dict[str, Cells] = {
        "seconds": ("seconds", lambda spread: _shown(spread, 1)),
        "processor_seconds": ("processor time, s", lambda spread: _shown(spread, 1)),
        "peak_bytes": ROWS["peak_bytes"],
        "changed": (f"texts changed, of {summary['compared']}", "{:.0%}".format),
        "matmul": ROWS["matmul"],
    }
    return _sides_table(summary, title, "generation", WAYS, rows)


def _trainer(results: Results) -> Summary:
    """What the Trainer adds to a bare loop, as a share of its step."""
    ours, bare = results["ours"], results["bare"]
    return {
        name: {
            "ours": _spread(_values(ours, name)),
            "bare": _spread(_values(bare, name)),
            "ratio": _ratio(name, ours, bare),
        }
        for name in CLOCKS
    }


def _trainer_table(summary: Summary, title: str) -> Table:
    table = _table(title, "trainer", "Tunebook", "bare loop", "Tunebook / bare")
    for key, (name, shown) in CLOCKS.items():
        table.add_row(name, *(shown(summary[key][column]) for column in ("ours", "bare", "ratio")))
    return table


def _sweep(request: Request, say: Say, show: Show, plot: Path | None) -> Summary:
    """Training of all sides for each value of the key that `bench.sweep` names."""
    key = request.bench.sweep
    assert key is not None
    summaries, heading = {}, ""
    for value in request.bench.values or SWEEPS[key]:
        say(f"{key} {value}")
        one = request.with_value(key, value)
        results = measure.alternate("training", one, say)
        summaries[value] = _training(results, one)
        heading = heading or _title(request, results)
    show(_sweep_table(summaries, key, heading))
    if plot:
        draw(summaries, key, f"{request.name}, {request.method}: cost of {SWEPT[key]}", plot)
        say(f"figure: {plot}")
    return {"key": key, "values": summaries}


def _clock(summary: Summary) -> str:
    return "processor_seconds" if _on_cpu(summary) else "step_seconds"


def _sweep_table(summaries: dict[int, Summary], key: str, title: str) -> Table:
    """A row a value: step (on a CPU its processor time), ratio and memory of all sides."""
    names = list(NAMES.values())
    heads = [f"{name}, s" for name in names] + [f"{name} / Tunebook" for name in names[1:]]
    table = _table(title, key, *heads, *(f"{name}, MiB" for name in names))
    for value, summary in summaries.items():
        sides, clock = [summary["sides"][side] for side in NAMES], _clock(summary)
        times = [_shown(side[clock], 3) for side in sides]
        ratios = [_shown(side["times_ours"][clock]) for side in sides[1:]]
        memory = [_mebibytes(side["peak_bytes"]) for side in sides]
        table.add_row(str(value), *times, *ratios, *memory)
    return table


def draw(summaries: dict[int, Summary], key: str, title: str, path: Path) -> None:
    """Write a sweep's step time and peak memory as a picture; the ending decides the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    figure.suptitle(title, fontsize=10)
    seconds, memory = figure.subplots(1, 2)
    clock = _clock(next(iter(summaries.values())))
    for side, name in reversed(NAMES.items()):
        found = [summary["sides"][side] for summary in summaries.values()]
        values = list(summaries)
        seconds.plot(values, [one[clock]["median"] for one in found], "o-", label=name)
        memory.plot(values, [one["peak_bytes"] / MIB for one in found], "o-", label=name)
    processor = "processor " if clock == "processor_seconds" else ""
    for axes, label in ((seconds, f"{processor}seconds a step"), (memory, "peak memory, MiB")):
        axes.set(xlabel=SWEPT[key], ylabel=label, ylim=(0, None))
        axes.grid(alpha=0.3)
    seconds.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
