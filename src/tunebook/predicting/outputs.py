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
from typing import Any, Protocol

from filelock import FileLock, Timeout

from tunebook.counting import counted
from tunebook.errors import Problem, RequestError
from tunebook.predicting.predictor import Prediction
from tunebook.runs.files import read_json, write_json

Say = Callable[[str], None]


class Outcome(Protocol):
    """What came of a row: one prediction, or those of several runs."""

    @property
    def error(self) -> str | None:
        """Why the row, or a part of it, has no prediction."""
        ...

    @property
    def cut(self) -> bool:
        """Whether something of the row was cut to fit."""
        ...


Answered = tuple[str | int, Any]
"""The id of a row and its Outcome, of the kind that a Format writes."""


def _json_line(row: Answered) -> str:
    found: dict[str, Any] = {"id": row[0], "prediction": row[1].text}
    if row[1].error:
        found["error"] = row[1].error
    return json_line(found)


def json_line(found: Mapping[str, Any]) -> str:
    """One line of a JSONL file."""
    return json.dumps(found, ensure_ascii=False) + "\n"


def _cells(delimiter: str) -> Callable[[Answered], str]:
    def line(row: Answered) -> str:
        return cell_line([str(row[0]), row[1].text or "", row[1].error or ""], delimiter)

    return line


def cell_line(cells: Sequence[str], delimiter: str) -> str:
    """One line of a CSV or TSV file."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerow(cells)
    return text.getvalue()


def one_line(prediction: Prediction) -> str:
    """A prediction as one line of text; empty where there is none."""
    return " ".join((prediction.text or "").splitlines())


@dataclass(frozen=True)
class Format:
    """How a file begins and how each row is written."""

    line: Callable[[Answered], str]
    header: str = ""


HEADER = ("id", "prediction", "error")
Writers = Mapping[str, Format]
WRITERS: Writers = {
    ".jsonl": Format(_json_line),
    ".csv": Format(_cells(","), cell_line(HEADER, ",")),
    ".tsv": Format(_cells("\t"), cell_line(HEADER, "\t")),
    ".txt": Format(lambda row: one_line(row[1]) + "\n"),
}


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
        outcomes: list[Outcome] = [outcome for _, outcome in rows]
        self.done.rows += len(rows)
        self.done.failed += sum(outcome.error is not None for outcome in outcomes)
        self.done.cut += sum(outcome.cut for outcome in outcomes)
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


def check_output(
    given: str | Path, input_path: Path, overwrite: bool, writers: Writers = WRITERS
) -> Path:
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
    path: Path, made_of: Mapping[str, Any], say: Say, writers: Writers = WRITERS
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
