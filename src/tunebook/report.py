"""What a person sees of a run: choices, progress, the table, three examples."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Protocol

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tunebook import terminal
from tunebook.events import Frame
from tunebook.metrics import catalogue
from tunebook.runs.folder import RunFolder
from tunebook.schema import Settings

console = terminal.console(soft_wrap=True)
SHOWN_EXAMPLES = 3
LONGEST_SHOWN = 400
STARTS = {"before": "gain", "instruction": "over instruction"}
"""The untouched model's scores, and what the gain over each is called."""


class Listener(Protocol):
    """Hears what a run would write to the terminal."""

    def say(self, text: str) -> None:
        """A choice or a warning, in one line."""

    def doing(self, text: str) -> None:
        """What the run is at, in a few words; often."""


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Inside, `listener` hears of runs and nothing is written: a sweep has a view of its own."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def is_heard() -> bool:
    """Whether somebody listens instead of the terminal."""
    return _listener.get() is not None


def say(text: str) -> None:
    """One line to the terminal."""
    if listener := _listener.get():
        listener.say(text)
    else:
        console.print(escape(text))


def headline(settings: Settings) -> Frame:
    """What is about to run."""
    return Frame(
        f"task {settings.task.name}, data {settings.data.name}, model {settings.model.name}, "
        f"method {settings.method.name}, seed {settings.seed}"
    )


def choice(settings: Settings, key: str, origin: str) -> str:
    """One filled value with where it came from."""
    value: Any = settings
    for name in key.split("."):
        value = getattr(value, name)
    if dataclasses.is_dataclass(value):
        value = ", ".join(f"{f.name} {getattr(value, f.name)}" for f in dataclasses.fields(value))
    return f"  {key} = {value}  ({origin})"


def parameters(model: Any) -> str:
    """How many parameters are trained, of how many."""
    trained, total = count_parameters(model)
    return f"training {trained:,} of {total:,} parameters ({trained / total:.2%})"


def count_parameters(model: Any) -> tuple[int, int]:
    """(numbers that receive gradient, numbers in all)."""
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return sum(n for n, trained in sizes if trained), sum(n for n, _ in sizes)


@contextmanager
def progress(name: str, total: int) -> Iterator[Callable[[int], object]]:
    """A bar with time left, where there is a terminal; yields what to call with each advance."""
    if listener := _listener.get():
        yield _counted(listener, f"scoring {name}", total)
        return
    columns = (TextColumn(f"scoring {name}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())  # fmt: skip
    bars = terminal.console(stderr=True)
    hidden = not bars.is_terminal
    with Progress(*columns, console=bars, transient=True, disable=hidden) as bar:
        task = bar.add_task(name, total=total)
        yield lambda done: bar.advance(task, done)


def _counted(listener: Listener, what: str, total: int) -> Callable[[int], object]:
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        listener.doing(f"{what}: {done} of {total}")

    return advance


def show(path: Path) -> None:
    """The table of scores and three examples of the finished run at `path`.

    Nothing where a sweep listens, which ends with a table of all its runs.
    """
    if is_heard():
        return
    folder = RunFolder(path)
    metrics = folder.metrics
    assert metrics is not None
    console.print()
    console.print(_table(metrics))
    console.print()
    for row in _examples(folder):
        _show_example(row)
    console.print(f"[bold]{escape(str(path))}[/bold]")


def _table(metrics: dict[str, Any]) -> Table:
    title = "{task} · {data} · {model} · {method} · seed {seed}".format(**metrics)
    table = Table(title=escape(title), title_justify="left")
    table.caption, table.caption_justify = _caption(metrics), "left"
    table.add_column("metric")
    starts = [name for name in STARTS if name in metrics]
    for name in (*starts, "after", *(STARTS[name] for name in reversed(starts))):
        table.add_column(name, justify="right")
    first = metrics["headline"]["name"]
    for name in sorted(metrics["after"], key=lambda name: name != first):
        table.add_row(*_row(name, metrics, starts), style="bold" if name == first else "")
    return table


def _row(name: str, metrics: dict[str, Any], starts: list[str]) -> list[str]:
    after, before = metrics["after"][name], [metrics[start][name] for start in starts]
    arrow = "↑" if catalogue.higher_is_better(name) else "↓"
    return [f"{name} {arrow}", *(f"{value:.2f}" for value in before), f"{after:.2f}",
            *(f"{after - value:+.2f}" for value in reversed(before))]  # fmt: skip


def _caption(metrics: dict[str, Any]) -> str:
    head, loss = metrics["headline"], metrics["loss"]
    said = []
    if head["interval"]:
        low, high = head["interval"]
        rows = "95 % interval over test rows"
        said.append(f"{head['name']} after: {low:.1f} to {high:.1f}, {rows}")
    start, end = loss.get("validation_start"), loss.get("validation")
    if start is not None and end is not None:
        said.append(f"validation loss: {start:.3f} at step 0, {end:.3f} at the end")
    return "\n".join(said)


def _examples(folder: RunFolder) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    with (folder.path / "predictions.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            rows.append(json.loads(line))
            if len(rows) == SHOWN_EXAMPLES:
                break
    return rows


def _show_example(row: dict[str, Any]) -> None:
    reference = row["references"][0] if row["references"] else "(no answer)"
    parts = (("source", row["prompt"]), ("reference", reference), ("before", row["before"]),
             ("after", row["after"]))  # fmt: skip
    for name, text in parts:
        shown = text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + " …"
        console.print(f"[dim]{name:>10}[/dim]  {escape(shown.strip())}")
    console.print()
