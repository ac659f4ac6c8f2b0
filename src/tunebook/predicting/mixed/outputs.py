"""How the predictions of several runs are written: a row of the file for a row of the input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.predicting.outputs import Answered, Format, Writers, cell_line, json_line, one_line
from tunebook.predicting.predictor import Prediction


@dataclass(frozen=True)
class Answers:
    """What came of one row: a prediction of each run that was to answer it, by label."""

    predictions: Mapping[str, Prediction]

    @property
    def errors(self) -> dict[str, str]:
        """Why a run has none."""
        return {label: one.error for label, one in self.predictions.items() if one.error}

    @property
    def error(self) -> str | None:
        """All of them in one line."""
        return "; ".join(f"{label}: {why}" for label, why in self.errors.items()) or None

    @property
    def cut(self) -> bool:
        """Whether the row was cut for any run."""
        return any(one.cut for one in self.predictions.values())

    @property
    def only(self) -> tuple[str, Prediction]:
        """The run of a row that was one run's own, and its prediction."""
        ((label, prediction),) = self.predictions.items()
        return label, prediction


def writers_of(labels: Sequence[str], by_row: bool) -> Writers:
    """The formats that can be written, by the ending of a file's name."""
    if by_row:
        header: tuple[str, ...] = ("id", "run", "prediction", "error")
        return {**_tables(header, _cells_of_own_run), ".jsonl": Format(_json_of_own_run),
                ".txt": Format(lambda row: one_line(row[1].only[1]) + "\n")}  # fmt: skip
    return {**_tables(("id", *labels, "error"), _cells_of_all), ".jsonl": Format(_json_of_all)}


def _json_of_all(row: Answered) -> str:
    texts = {label: one.text for label, one in row[1].predictions.items()}
    found: dict[str, Any] = {"id": row[0], "predictions": texts}
    return json_line({**found, "errors": row[1].errors} if row[1].errors else found)


def _json_of_own_run(row: Answered) -> str:
    label, one = row[1].only
    found = {"id": row[0], "run": label, "prediction": one.text}
    return json_line({**found, "error": one.error} if one.error else found)


def _cells_of_all(row: Answered) -> list[str]:
    texts = [one.text or "" for one in row[1].predictions.values()]
    return [str(row[0]), *texts, row[1].error or ""]


def _cells_of_own_run(row: Answered) -> list[str]:
    label, one = row[1].only
    return [str(row[0]), label, one.text or "", one.error or ""]


def _tables(header: Sequence[str], cells: Callable[[Answered], list[str]]) -> Writers:
    return {ending: _table(header, cells, mark) for ending, mark in ((".csv", ","), (".tsv", "\t"))}


def _table(header: Sequence[str], cells: Callable[[Answered], list[str]], mark: str) -> Format:
    return Format(lambda row: cell_line(cells(row), mark), cell_line(header, mark))
