"""Encoded examples: in flat arrays, a few bytes a token; a large training split as it is drawn."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tunebook.data.scanning import characters
from tunebook.errors import Problem, RequestError, RunFailed
from tunebook.text.encoding import Encoder, Source

BLOCK = 1000
ENCODED_AT_ONCE = 20_000
"""Training rows that are encoded before the first step: seconds of work. More are when drawn."""
LOOKED_AT = 1000
"""Rows of a larger split that are encoded before the first step, to tell what is cut."""


class Rows(Protocol):
    """What training needs to know of its rows."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> dict[str, Any]:
        """The ids of one row's `source` and `target`."""
        ...

    def lengths(self) -> list[int]:
        """A number a row that grows with its length."""
        ...


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

    `rows` are the indices that fitted; `texts` their source texts, kept for the test split alone;
    `whole` the positions of those whose target fits behind them too. `unfit` counts the others, and
    `long_answers` has the tokens of each target that left no room for a source.
    """

    sources: Ragged = field(default_factory=Ragged)
    targets: Ragged = field(default_factory=Ragged)
    rows: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    whole: list[int] = field(default_factory=list)
    long_answers: list[int] = field(default_factory=list)
    cut: int = 0
    unfit: int = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"source": self.sources[index], "target": self.targets[index]}

    def lengths(self) -> list[int]:
        """Source and target tokens of each row together."""
        return [self.sources.length(i) + self.targets.length(i) for i in range(len(self))]

    def some(self, positions: Sequence[int]) -> EncodedRows:
        """The rows at these positions alone, without their texts."""
        found = EncodedRows()
        for position in positions:
            found.sources.append(self.sources[position])
            found.targets.append(self.targets[position])
            found.rows.append(self.rows[position])
        return found


def rows_to_train_on(
    encoder: Encoder, split: Any, max_unfit_share: float, say: Callable[[str], None]
) -> Rows:
    """The training split: encoded at once, or where it is large row by row as it is drawn.

    Raises RequestError when too many rows do not fit, of a large split among those looked at.
    """
    if len(split) <= ENCODED_AT_ONCE:
        return encode_rows(encoder, split, "train", max_unfit_share, say)
    count = min(LOOKED_AT, len(split))
    drawn = np.random.default_rng(0).choice(len(split), count, replace=False)
    say(f"train: more than {ENCODED_AT_ONCE} rows, so each is encoded when it is drawn; what is "
        f"cut or does not fit is counted on {count} of its {len(split)} rows")  # fmt: skip
    encode_rows(encoder, split.select(np.sort(drawn)), "train", max_unfit_share, say)
    return LazyRows(encoder, split)


class LazyRows:
    """A split whose rows are encoded when they are drawn.

    A row that does not fit gives way to the next one that does.
    """

    def __init__(self, encoder: Encoder, split: Any) -> None:
        self._encoder, self._split = encoder, split

    def __len__(self) -> int:
        return len(self._split)

    def __getitem__(self, index: int) -> dict[str, Any]:
        (row,) = self.__getitems__([index])
        return row

    def __getitems__(self, indices: Sequence[int]) -> list[dict[str, Any]]:
        """The rows at `indices`, encoded together; PyTorch's loader asks for a batch like this."""
        encoded = _encode(self._encoder, _rows_of(self._split[list(indices)]))
        return [
            {"source": source.ids, "target": target} if source else self._after(index)
            for index, (source, target) in zip(indices, encoded, strict=True)
        ]

    def _after(self, index: int) -> dict[str, Any]:
        for step in range(1, len(self)):
            row = self._split[(index + step) % len(self)]
            ((source, target),) = _encode(self._encoder, [row])
            if source:
                return {"source": source.ids, "target": target}
        raise RunFailed("no row of train fits into the model")

    def lengths(self) -> list[int]:
        """The characters of each row, for nothing is encoded yet."""
        return characters(self._split, self._encoder.task).tolist()


def encode_rows(
    encoder: Encoder, split: Any, name: str, max_unfit_share: float, say: Callable[[str], None],
    *, to_answer: bool = False,
) -> EncodedRows:  # fmt: skip
    """Encode a split; says how many rows were cut, and how many do not fit at all.

    A split `to_answer` leaves room for the answer to come instead of the target that is there, and
    keeps its texts.
    Raises RequestError when a larger share than `max_unfit_share` does not fit.
    """
    encoded, taken = EncodedRows(), encoder.words.taken
    for start in range(0, len(split), BLOCK):
        rows = _rows_of(split[start : start + BLOCK])
        pairs = _encode(encoder, rows, to_answer=to_answer)
        for number, (source, target) in enumerate(pairs, start):
            if source is None:
                encoded.unfit += 1
                if not to_answer and encoder.leaves_no_room(rows[number - start], target):
                    encoded.long_answers.append(len(target))
                continue
            if encoder.room.holds(len(source.ids), len(target)):
                encoded.whole.append(len(encoded))
            encoded.sources.append(source.ids)
            encoded.targets.append(target)
            encoded.rows.append(number)
            if to_answer:
                encoded.texts.append(source.text)
            encoded.cut += source.cut
    _report(encoder, encoded, name, max_unfit_share, say)
    if taken := encoder.words.taken - taken:
        say(f"warning: {name}: {taken} texts hold words that the tokenizer cannot but read as "
            "special tokens")  # fmt: skip
    return encoded


def _rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _encode(
    encoder: Encoder, rows: Sequence[dict[str, Any]], *, to_answer: bool = False
) -> Iterator[tuple[Source | None, list[int]]]:
    texts = [encoder.task.target(row) for row in rows]
    targets = encoder.targets(texts)
    sources = encoder.sources(rows, None if to_answer else targets)
    for text, source, target in zip(texts, sources, targets, strict=True):
        yield None if encoder.is_too_long(text) else source, target


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
    problems = [Problem(f"data.{name}", *one) for one in _unfit(encoder, encoded, total)]
    if encoded.unfit > max_unfit_share * total or not len(encoded):
        raise RequestError(problems)
    for problem in problems:
        say(f"{name}: {problem.what}; skipped")


def _unfit(encoder: Encoder, encoded: EncodedRows, total: int) -> Iterator[tuple[str, str]]:
    """What does not fit, and what to do: by what is too long."""
    room, answers = encoder.room, encoded.long_answers
    longer = "choose a model with a longer context."
    if sources := encoded.unfit - len(answers):
        what = f"{sources} of {total} rows do not fit into {room.most} tokens although cut"
        yield what, f"Raise template.max_source_tokens, or {longer}"
    if answers:
        place = f"the {room.target:,} positions of the model's decoder" if room.target else (
            f"the model's {room.shared:,} tokens with a source" if room.shared else
            f"the {room.signs:,} characters that are read of a text")  # fmt: skip
        what = (f"the answers of {len(answers)} of {total} rows do not fit into {place}; the "
                f"longest has {max(answers):,} tokens")  # fmt: skip
        yield what, f"Raise data.max_skipped_share to go without these rows, or {longer}"
