"""Encoded examples in flat arrays: a few bytes a token, whatever the number of rows."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunebook.errors import Problem, RequestError
from tunebook.text.encoding import Encoder

BLOCK = 1000


class Ragged:
    """Lists of token ids, one behind the other in one array of 32-bit numbers."""

    def __init__(self) -> None:
        self._values = array("i")
        self._ends = array("q", [0])

    def append(self, ids: Sequence[int]) -> None:
        """Add one list."""
        self._values.extend(ids)
        self._ends.append(len(self._values))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, index: int) -> array[int]:
        return self._values[self._ends[index] : self._ends[index + 1]]

    def content(self) -> str:
        """A hash of all the lists."""
        return hashlib.sha256(self._values.tobytes() + self._ends.tobytes()).hexdigest()

    def length(self, index: int) -> int:
        """How many ids the list at `index` holds."""
        return self._ends[index + 1] - self._ends[index]


@dataclass
class EncodedRows:
    """A split as ids, in the order of its rows.

    `rows` are the indices that fitted; `texts` their source texts, kept for the test split alone.
    """

    sources: Ragged = field(default_factory=Ragged)
    targets: Ragged = field(default_factory=Ragged)
    rows: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    cut: int = 0
    unfit: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"source": self.sources[index], "target": self.targets[index]}

    def lengths(self) -> list[int]:
        """Source and target tokens of each row together."""
        return [self.sources.length(i) + self.targets.length(i) for i in range(len(self))]


def encode_rows(
    encoder: Encoder, split: Any, name: str, max_unfit_share: float, say: Callable[[str], None],
    *, to_answer: bool = False,
) -> EncodedRows:  # fmt: skip
    """Encode a split; says how many rows were cut, and how many do not fit at all.

    A split `to_answer` leaves room for the answer to come instead of the target that is there, and
    keeps its texts.
    Raises RequestError when a larger share than `max_unfit_share` does not fit.
    """
    encoded = EncodedRows()
    for start, rows in _blocks(split):
        targets = encoder.targets([encoder.task.target(row) for row in rows])
        for i, source in enumerate(encoder.sources(rows, None if to_answer else targets)):
            if source is None:
                encoded.unfit += 1
                continue
            encoded.sources.append(source.ids)
            encoded.targets.append(targets[i])
            encoded.rows.append(start + i)
            if to_answer:
                encoded.texts.append(source.text)
            encoded.cut += source.cut
    _report(encoder, encoded, name, max_unfit_share, say)
    return encoded


def _blocks(split: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    for start in range(0, len(split), BLOCK):
        columns = split[start : start + BLOCK]
        names = list(columns)
        rows = [dict(zip(names, v, strict=True)) for v in zip(*columns.values(), strict=True)]
        yield start, rows


def _report(
    encoder: Encoder,
    encoded: EncodedRows,
    name: str,
    max_unfit_share: float,
    say: Callable[[str], None],
) -> None:
    total = len(encoded) + encoded.unfit
    if encoded.cut:
        where = f"{encoder.task.long_field} to {encoder.room.most} tokens of source"
        say(f"{name}: {encoded.cut} of {total} rows cut in their {where}")
    if encoded.unfit == 0:
        return
    what = f"{encoded.unfit} of {total} rows do not fit into {encoder.room.most} tokens"
    if encoded.unfit > max_unfit_share * total:
        remedy = "Raise template.max_source_tokens, or choose a model with a longer context."
        raise RequestError(Problem(f"data.{name}", f"{what} although cut", remedy))
    say(f"{name}: {what} although cut; skipped")
