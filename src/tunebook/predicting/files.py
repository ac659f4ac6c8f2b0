"""A file of rows through finished runs into a file of predictions, in the order of the rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import report, terminal
from tunebook.counting import counted
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.labels import Folder, read_runs
from tunebook.predicting.mixed_predictor import MixedPredictor
from tunebook.predicting.predictor import Prediction, Predictor

if TYPE_CHECKING:
    from tunebook.predicting.inputs import InputFile, InputRow
    from tunebook.predicting.outputs import OutputFile

Say = Callable[[str], None]
Progress = Callable[[int], object]
BATCHES_AT_ONCE = 8
"""Rows are sorted by length among so many batches, and kept after each so many."""


def predict_file(
    folders: Folder | Sequence[Folder] | Mapping[str, FinishedRun], source: str | Path,
    target: str | Path, *, fields: Mapping[str, str] | None = None, overwrite: bool = False,
    say: Say = report.say, **loading: Any,
) -> Path:  # fmt: skip
    """Answer every row of the file `source` in the file `target`, and return its path.

    The output has one row an input row, in order, with `id` (or the row's number from 1),
    `prediction`, and `error` where a row cannot be answered. Of several runs each answers every
    row: `predictions` by run, a column a run in CSV; where the input has a column `run`, each row
    is answered by the run that it names, by label or folder: `run` and `prediction`. The same call
    after an interruption goes on where it stopped. `fields` maps a field to its column; `loading`
    is as in Predictor.open. Raises RequestError before anything is written.
    """
    from tunebook.predicting.inputs import open_input
    from tunebook.predicting.outputs import check_output, open_output, writers_of

    runs = _runs(folders)
    rows = open_input(source, runs, fields or {}, say)
    writers = writers_of(list(runs), by_row=rows.names is not None)
    path = check_output(target, rows.path, writers, overwrite=overwrite)
    for label in runs.keys() - rows.mapped.keys():
        say(f"{label} is named by no row")
    answers = _Answers({label: runs[label] for label in rows.mapped}, say, loading, len(runs) == 1)
    made_of = {"input": rows.content, **answers.made_of(rows), "format": path.suffix.lower()}
    with open_output(path, writers, made_of, say) as output:
        _fill(output, rows, answers)
        output.finish()
    only = next(iter(runs.values())).task.long_field
    say(_summary(output, f"cut in their {only}" if len(runs) == 1 else "cut to fit"))
    return path


def _runs(folders: Folder | Sequence[Folder] | Mapping[str, FinishedRun]) -> dict[str, FinishedRun]:
    if isinstance(folders, Mapping):
        return dict(folders)
    return read_runs([folders] if isinstance(folders, str | Path | FinishedRun) else folders)


class _Answers:
    """Answers rows by the runs that each is for."""

    def __init__(
        self, runs: Mapping[str, FinishedRun], say: Say, loading: Mapping[str, Any], is_only: bool
    ) -> None:
        self._runs = runs
        self._predictor: Predictor | MixedPredictor
        if is_only:
            ((label, run),) = runs.items()
            self._predictor = Predictor.open(run, say, **loading)
            self._members = {label: self._predictor}
        else:
            self._predictor = MixedPredictor.open(runs, say, **loading)
            self._members = self._predictor.members

    def made_of(self, rows: InputFile) -> dict[str, Any]:
        """Columns, runs and models by content: of several runs by label."""
        found: dict[str, dict[str, Any]] = {
            "columns": {label: one.columns for label, one in rows.mapped.items()},
            "run": {label: run.content() for label, run in self._runs.items()},
            "model": {label: one.model_content for label, one in self._members.items()},
        }
        if isinstance(self._predictor, Predictor):
            return {name: next(iter(values.values())) for name, values in found.items()}
        return found

    @property
    def rows_at_once(self) -> int:
        """Enough for several full batches."""
        sizes = [member.decoding.batch_size for member in self._members.values()]
        return BATCHES_AT_ONCE * max(sizes)

    def to(self, rows: Sequence[InputRow], progress: Progress) -> list[dict[str, Prediction]]:
        """The predictions of each row by label; progress counts rows, however many the runs."""
        asked = [(label, fields) for row in rows for label, fields in row.fields.items()]
        given = [fields for _, fields in asked]
        if isinstance(self._predictor, Predictor):
            found = iter(self._predictor.answer(given, progress))
        else:
            found = iter(self._predictor.answer_each(given, [label for label, _ in asked]))
            progress(len(rows))
        return [{label: next(found) for label in row.fields} for row in rows]


def _fill(output: OutputFile, rows: InputFile, answers: _Answers) -> None:
    """Answer the rows that `output` lacks, some batches of them, and keep them after each time."""
    from tunebook.predicting.outputs import Answered

    left = itertools.islice(rows.rows(), output.done.rows, None)
    with _progress(rows.count, output.done.rows) as progress:
        while chunk := list(itertools.islice(left, answers.rows_at_once)):
            found = answers.to(chunk, progress)
            output.add([Answered(row.id, one) for row, one in zip(chunk, found, strict=True)])


@contextmanager
def _progress(total: int, done: int) -> Iterator[Progress]:
    """A bar with time left on the terminal's error stream, where that is a terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    columns = (TextColumn("predicting"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    console = terminal.console(stderr=True)
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total, completed=done)
        yield lambda more: bar.advance(task, more)


def _summary(output: OutputFile, cut: str) -> str:
    """How many rows were written, and what was not as asked; `cut` says what rows were."""
    done, parts = output.done, []
    if done.failed:
        parts.append(f"{done.failed} could not be answered: see their error")
    if done.cut:
        parts.append(f"{done.cut} {cut}")
    more = f" ({'; '.join(parts)})" if parts else ""
    return f"wrote {counted(done.rows, 'row')} to {output.path}{more}"
