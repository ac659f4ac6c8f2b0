"""A file of rows through several runs into one file of predictions, in the order of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import report
from tunebook.predicting.files import BATCHES_AT_ONCE, fill, summary
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.mixed.labels import Folder, read_runs
from tunebook.predicting.mixed.outputs import Answers, writers_of
from tunebook.predicting.mixed.predictor import MixedPredictor
from tunebook.predicting.outputs import check_output, open_output

if TYPE_CHECKING:
    from tunebook.predicting.mixed.inputs import MixedInput, MixedRow

Say = Callable[[str], None]
Tick = Callable[[int], object]


def predict_mixed_file(
    folders: Sequence[Folder] | Mapping[str, FinishedRun], source: str | Path,
    target: str | Path, *, fields: Mapping[str, str] | None = None, overwrite: bool = False,
    say: Say = report.say, model: str | None = None, device: str | None = None,
    batch_size: int | None = None,
) -> Path:  # fmt: skip
    """Answer every row of the file `source` in the file `target`, and return its path.

    Every run answers every row: `predictions` by run, a column a run in CSV. Where the input has a
    column `run`, each row is answered by the run that it names, by label or folder: `run` and
    `prediction`. The rest is as in tunebook.predicting.predict_file.
    """
    from tunebook.predicting.mixed.inputs import open_mixed_input

    runs = dict(folders) if isinstance(folders, Mapping) else read_runs(folders)
    rows = open_mixed_input(source, runs, fields or {}, say)
    writers = writers_of(list(runs), rows.by_row)
    path = check_output(target, rows.one.path, overwrite, writers)
    asked = {label: runs[label] for label in rows.files}
    for label in runs.keys() - asked.keys():
        say(f"{label} is named by no row")
    predictor = MixedPredictor.open(asked, say, model=model, device=device, batch_size=batch_size)
    with open_output(path, _made_of(rows, asked, predictor, path), say, writers) as output:
        fill(output, rows, _answering(predictor, rows), _at_once(predictor, rows))
        output.finish()
    say(summary(output, "cut to fit"))
    return path


def _made_of(
    rows: MixedInput, runs: Mapping[str, FinishedRun], predictor: MixedPredictor, path: Path
) -> dict[str, Any]:
    return {
        "input": rows.one.content,
        "columns": {label: file.columns for label, file in rows.files.items()},
        "run": {label: run.content() for label, run in runs.items()},
        "model": {label: one.model_content for label, one in predictor.members.items()},
        "format": path.suffix.lower(),
    }


def _answering(
    predictor: MixedPredictor, rows: MixedInput
) -> Callable[[list[MixedRow], Tick], list[Answers]]:
    """How a chunk of rows is answered; progress counts rows, whatever the number of runs."""

    def answer(some: list[MixedRow], tick: Tick) -> list[Answers]:
        asked = [(label, fields) for row in some for label, fields in row.fields.items()]
        labels, texts = [label for label, _ in asked], [fields for _, fields in asked]
        found = iter(predictor.answer_each(texts, labels))
        answers = [Answers({label: next(found) for label in row.fields}) for row in some]
        tick(len(some))
        return answers

    return answer


def _at_once(predictor: MixedPredictor, rows: MixedInput) -> int:
    """Enough rows for several full batches."""
    size = max(member.decoding.batch_size for member in predictor.members.values())
    return BATCHES_AT_ONCE * size
