"""A sweep as a picture: step time and peak memory of all sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunebook.bench.table import NAMES

LABELS = {"virtual": "virtual tokens", "batch": "rows in a batch", "length": "tokens in a row"}


def draw(summaries: dict[int, dict[str, Any]], key: str, title: str, path: Path) -> None:
    """Write the picture to `path`; its ending decides the format."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    figure.suptitle(title, fontsize=10)
    seconds, memory = figure.subplots(1, 2)
    values = list(summaries)
    on_cpu = next(iter(summaries.values()))["device"] == "cpu"
    time = "processor_seconds" if on_cpu else "step_seconds"
    for side, name in reversed(NAMES.items()):
        found = [summary["sides"][side] for summary in summaries.values()]
        seconds.plot(values, [one[time]["median"] for one in found], "o-", label=name)
        memory.plot(values, [one["peak_bytes"] / 2**20 for one in found], "o-", label=name)
    clock = "processor seconds a step" if on_cpu else "seconds a step"
    for axes, label in ((seconds, clock), (memory, "peak memory, MiB")):
        axes.set(xlabel=LABELS[key], ylabel=label, ylim=(0, None))
        axes.grid(alpha=0.3)
    seconds.legend(frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
