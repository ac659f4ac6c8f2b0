"""A file of rows through a finished run into a file of predictions, row by row the same order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tunebook import report, terminal
from tunebook.counting import counted
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.predictor import Predictor

if TYPE_CHECKING:
    from tunebook.predicting.outputs import OutputFile

Say = Callable[[str], None]
Tick = Callable[[int], object]
BATCHES_AT_ONCE = 8
"""Rows are sorted by length among so many batches, and kept after each so many."""


def predict_file(
    folder: str | Path | FinishedRun, source: str | Path, target: str | Path, *,
    fields: Mapping[str, str] | None = None, overwrite: bool = False, say: Say = report.say,
    model: str | None = None, device: str | None = None, batch_size: int | None = None,
) -> Path:  # fmt: skip
    """Answer every row of the file `source` in the file `target`, and return its path.

    The output has one row an input row, in order, with `id` (or the row's number from 1),
    `prediction`, and `error` where a row cannot be answered. The same call after an interruption
    goes on where it stopped. `fields` maps a field to its column; the rest is as in
    Predictor.open. Raises RequestError before anything is written.
    """
    from tunebook.predicting.inputs import open_input
    from tunebook.predicting.outputs import check_output, open_output

    run = folder if isinstance(folder, FinishedRun) else FinishedRun.read(folder)
    rows = open_input(source, run.task, fields or {}, run.settings.data.fields, say)
    path = check_output(target, rows.path, overwrite)
    predictor = Predictor.open(run, say, model=model, device=device, batch_size=batch_size)
    made_of = {
        "input": rows.content, "columns": rows.columns, "run": run.content(),
        "model": predictor.model_content, "format": path.suffix.lower(),
    }  # fmt: skip
    with open_output(path, made_of, say) as output:
        fill(output, rows, lambda some, tick: predictor.answer([row.fields for row in some], tick),
             BATCHES_AT_ONCE * predictor.decoding.batch_size)  # fmt: skip
        output.finish()
    say(summary(output, f"cut in their {run.task.long_field}"))
    return path


class Rows(Protocol):
    """Rows to answer: how many there are, and each one with its id."""

    @property
    def count(self) -> int:
        """All of them."""
        ...

    def rows(self) -> Iterator[Any]:
        """From the first, each time."""
        ...


def fill(
    output: OutputFile, rows: Rows, answer: Callable[[list[Any], Tick], Sequence[Any]], at_once: int
) -> None:
    """Answer the rows that `output` lacks, `at_once` of them, and keep them after each time."""
    left = itertools.islice(rows.rows(), output.done.rows, None)
    with _progress(rows.count, output.done.rows) as tick:
        while chunk := list(itertools.islice(left, at_once)):
            answers = answer(chunk, tick)
            output.add([(row.id, one) for row, one in zip(chunk, answers, strict=True)])


@contextmanager
def _progress(total: int, done: int) -> Iterator[Callable[[int], object]]:
    """A bar with time left on the terminal's error stream, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("predicting"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    console = terminal.console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:  # fmt: skip
        task = bar.add_task("", total=total, completed=done)
        yield lambda more: bar.advance(task, more)


def summary(output: OutputFile, cut: str) -> str:
    """How many rows were written, and what was not as asked; `cut` says what rows were."""
    done, parts = output.done, []
    if done.failed:
        parts.append(f"{done.failed} could not be answered: see their error")
    if done.cut:
        parts.append(f"{done.cut} {cut}")
    more = f" ({'; '.join(parts)})" if parts else ""
    return f"wrote {counted(done.rows, 'row')} to {output.path}{more}"
