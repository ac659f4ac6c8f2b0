"""A file of predictions that is either whole, or a .part that the same command continues.

FILE.part holds the rows so far and FILE.part.json says of what: which input, run and model, how
many rows, and how many bytes they take. Both are gone when FILE is there.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tunebook.counting import counted
from tunebook.errors import Problem, RequestError
from tunebook.predicting.predictor import Prediction
from tunebook.runs.files import read_json, write_json

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answered:
    """A row's id, and the prediction of each run that was to answer it, by label."""

    id: str | int
    predictions: Mapping[str, Prediction]

    @property
    def errors(self) -> dict[str, str]:
        """Why a run has no prediction."""
        return {label: str(one.error) for label, one in self.predictions.items() if one.error}

    @property
    def was_cut(self) -> bool:
        """Whether the row was cut to fit for any run."""
        return any(one.cut for one in self.predictions.values())

    @property
    def only(self) -> tuple[str, Prediction]:
        """The run of a row that one run answers, and its prediction."""
        ((label, prediction),) = self.predictions.items()
        return label, prediction


@dataclass(frozen=True)
class Format:
    """How a file begins and how each row is written."""

    line: Callable[[Answered], str]
    header: str = ""


Writers = Mapping[str, Format]
"""The formats that can be written, by the ending of a file's name."""


def writers_of(labels: Sequence[str], by_row: bool) -> Writers:
    """How rows are written that the runs `labels` answer, all of them or `by_row` one each."""
    if len(labels) == 1 and not by_row:
        header = ("id", "prediction", "error")
        tables = _tables(header, lambda row: _cells_of_one(row, header))
        return {".jsonl": _json_of_one(header), **tables, ".txt": TEXT}
    if by_row:
        named = ("id", "run", "prediction", "error")
        tables = _tables(named, lambda row: _cells_of_one(row, named))
        return {**tables, ".jsonl": _json_of_one(named), ".txt": TEXT}
    return {**_tables(("id", *labels, "error"), _cells_of_all), ".jsonl": Format(_json_of_all)}


def _of_one(row: Answered) -> dict[str, Any]:
    label, one = row.only
    return {"id": row.id, "run": label, "prediction": one.text, "error": one.error}


def _json_of_one(header: Sequence[str]) -> Format:
    def line(row: Answered) -> str:
        found = _of_one(row)
        return _json_line({k: found[k] for k in header if k != "error" or found[k]})

    return Format(line)


def _cells_of_one(row: Answered, header: Sequence[str]) -> list[str]:
    found = _of_one(row)
    return [str(found[name]) if found[name] is not None else "" for name in header]


def _json_of_all(row: Answered) -> str:
    texts = {label: one.text for label, one in row.predictions.items()}
    found: dict[str, Any] = {"id": row.id, "predictions": texts}
    return _json_line({**found, "errors": row.errors} if row.errors else found)


def _cells_of_all(row: Answered) -> list[str]:
    texts = [one.text or "" for one in row.predictions.values()]
    return [str(row.id), *texts, "; ".join(f"{label}: {why}" for label, why in row.errors.items())]


def _tables(header: Sequence[str], cells: Callable[[Answered], list[str]]) -> dict[str, Format]:
    return {".csv": _table(header, cells, ","), ".tsv": _table(header, cells, "\t")}


def _table(header: Sequence[str], cells: Callable[[Answered], list[str]], mark: str) -> Format:
    def line(found: Sequence[str]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=mark, lineterminator="\n").writerow(found)
        return text.getvalue()

    return Format(lambda row: line(cells(row)), line(header))


def _json_line(found: Mapping[str, Any]) -> str:
    return json.dumps(found, ensure_ascii=False) + "\n"


def one_line(prediction: Prediction) -> str:
    """A prediction as one line of text; empty where there is none."""
    return " ".join((prediction.text or "").splitlines())


def one_cell(prediction: Prediction) -> str:
    """A prediction without line ends and tabs; empty where there is none."""
    return one_line(prediction).replace("\t", " ")


TEXT = Format(lambda row: one_line(row.only[1]) + "\n")


@dataclass
class Done:
    """What FILE.part holds so far."""

    rows: int = 0
    bytes: int = 0
    failed: int = 0
    cut: int = 0


@dataclass
class OutputFile:
    """Rows in the order of the input, kept after each `add`; FILE appears when all are there."""

    path: Path
    made_of: Mapping[str, Any]
    writer: Format
    done: Done = field(default_factory=Done)

    @property
    def part(self) -> Path:
        """The rows so far."""
        return beside(self.path, ".part")

    @property
    def state(self) -> Path:
        """What the rows so far are of."""
        return beside(self.path, ".part.json")

    def add(self, rows: Sequence[Answered]) -> None:
        """Write `rows` behind those that are there."""
        text = "".join(self.writer.line(row) for row in rows)
        self._append(text if self.done.rows else self.writer.header + text)
        self.done.rows += len(rows)
        self.done.failed += sum(bool(row.errors) for row in rows)
        self.done.cut += sum(row.was_cut for row in rows)
        write_json(self.state, {"of": self.made_of, "done": vars(self.done)})

    def _append(self, text: str) -> None:
        with self.part.open("ab") as file:
            file.truncate(self.done.bytes)
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
            self.done.bytes = file.tell()

    def finish(self) -> None:
        """Put the file in its place."""
        self.part.replace(self.path)
        self.state.unlink(missing_ok=True)


def beside(path: Path, ending: str) -> Path:
    """FILE with `ending` behind its whole name."""
    return path.with_name(path.name + ending)


def check_output(given: str | Path, input_path: Path, writers: Writers, *, overwrite: bool) -> Path:
    """Where to write. Raises RequestError where that cannot be, or would destroy something."""
    path, problem = Path(given).expanduser(), None
    where = f"--output {given}"
    if path.suffix.lower() not in writers:
        problem = Problem(where, f"must end in {', '.join(writers)}")
    elif path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        problem = Problem(where, what, "Name a file in a folder that exists.")
    elif path.exists() and path.samefile(input_path):
        problem = Problem(where, "is the input file too", "Give another name.")
    elif path.exists() and not overwrite:
        problem = Problem(where, "is there already", "Give another name, or add --overwrite.")
    elif not os.access(path.parent, os.W_OK):
        problem = Problem(where, f"the folder {path.parent} cannot be written to")
    if problem:
        raise RequestError(problem)
    return path


@contextmanager
def open_output(
    path: Path, writers: Writers, made_of: Mapping[str, Any], say: Say
) -> Iterator[OutputFile]:
    """The file to write, with what an interrupted command has left of it.

    What is left of another input, run or model is dropped, which is said. Raises RequestError when
    another process writes the same file.
    """
    lock = FileLock(beside(path, ".part.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        what = "another process is writing this very file"
        raise RequestError(Problem(f"--output {path}", what, "Wait, or name another.")) from None
    try:
        output = OutputFile(path, made_of, writers[path.suffix.lower()])
        _take_up(output, say)
        yield output
    finally:
        lock.release()
        beside(path, ".part.lock").unlink(missing_ok=True)


def _take_up(output: OutputFile, say: Say) -> None:
    left = read_json(output.state)
    if left is None or not output.part.is_file():
        return
    changed = [name for name, value in output.made_of.items() if left["of"].get(name) != value]
    done = Done(**left["done"])
    if changed or output.part.stat().st_size < done.bytes:
        why = f"of another {' and '.join(changed)}" if changed else "damaged"
        say(f"{output.part} is {why}: starting again")
        output.state.unlink()
        output.part.unlink()
        return
    output.done = done
    say(f"{output.part} holds {counted(done.rows, 'row')} already: going on behind them")
