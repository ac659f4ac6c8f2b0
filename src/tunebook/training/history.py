"""history.jsonl: one object a logged step, continued and not repeated by a resumed run."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tunebook.runs.files import write_jsonl

HISTORY = "history.jsonl"


class History:
    """Rows of a run's training, in a file and in memory."""

    def __init__(self, path: Path, rows: Sequence[dict[str, Any]] = ()) -> None:
        """Begin the file with `rows`: none, or those of the checkpoint that is continued."""
        self.path, self.rows = path, list(rows)
        self.write(path)
        self._started = time.monotonic() - self.seconds

    def write(self, path: Path) -> None:
        """Write all rows into the file `path`."""
        write_jsonl(path, self.rows)

    def add(self, step: int, **values: float) -> None:
        """Append a row, unless a row with these keys is there for the step."""
        if any(row["step"] == step and values.keys() <= row.keys() for row in self.rows[-3:]):
            return
        row = {"step": step, **values, "seconds": round(time.monotonic() - self._started, 3)}
        self.rows.append(row)
        with self.path.open("r+", encoding="utf-8") as file:  # not "a": it must still be there
            file.seek(0, os.SEEK_END)
            file.write(json.dumps(row) + "\n")

    @property
    def seconds(self) -> float:
        """Seconds of training so far, those before an interruption included."""
        return self.rows[-1]["seconds"] if self.rows else 0.0

    def train_loss(self) -> float | None:
        """The mean training loss over the last tenth of the logged steps."""
        losses = [row["loss"] for row in self.rows if "loss" in row]
        last = losses[-max(1, len(losses) // 10) :]
        return sum(last) / len(last) if last else None

    def validations(self) -> list[tuple[int, float]]:
        """(step, validation loss) of every validation."""
        return [(r["step"], r["validation_loss"]) for r in self.rows if "validation_loss" in r]

    def has_stalled(self, patience: int) -> bool:
        """Whether the last `patience` validations did not lower the loss; never where it is 0."""
        losses = [loss for _, loss in self.validations()]
        return bool(patience and losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


def read_history(path: Path) -> list[dict[str, Any]]:
    """The rows of a history; a last line cut off by a crash is passed over."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
