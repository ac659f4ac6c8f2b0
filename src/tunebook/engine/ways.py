"""Ways to decode, and which of them is right for a model.

A way is right where texts of different lengths, decoded together for a few tokens, get the logits
that each gets alone in a forward as in training: without a cache, without padding. The first of the
ways that is right with padding is taken; else the first that is right for rows of equal length, or
for one row at a time. Reading the whole text anew for each token is always right, and slow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch

from tunebook.engine.apart import ALONE, EQUAL, TOGETHER, read_apart
from tunebook.engine.batches import Ids
from tunebook.engine.probe import (
    REFUSALS,
    evaluating,
    logits_of,
    near,
    pass_on_full_memory,
    texts_to_try,
    words_of,
)

STEPS = 4
"""Tokens that are decoded to try a way."""

Progress = Callable[[int], object]
"""Is told how many more rows are done."""
Tried = tuple[list[list[int]], torch.Tensor]
"""New tokens of each row, and their logits: (rows, tokens, vocabulary)."""


@dataclass
class Way(ABC):
    """One way to decode: what it does, and how many rows it reads at once."""

    name: str
    size: int

    def decode(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """New tokens alone of each of `sources`, the longest first."""
        made: list[list[int]] = []
        for start in range(0, len(sources), self.size):
            made += self.read(sources[start : start + self.size], progress)
        return made

    @abstractmethod
    def read(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """The same for one batch."""

    @abstractmethod
    def attempt(self, sources: Ids) -> Tried:
        """A few tokens of each row, whatever they are."""


MakeWay = Callable[[], Way]


@dataclass(frozen=True)
class Chosen:
    """The way to take, and how its rows may stand together."""

    way: Way
    rows: str
    reasons: tuple[str, ...] = ()

    def decode(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """New tokens of each of `sources`, the longest first."""
        made: list[list[int]] = []
        for some in _groups(sources, self.rows):
            made += self.way.decode(some, progress)
        return made


def _groups(sources: Ids, rows: str) -> Iterator[Ids]:
    if rows == TOGETHER:
        yield sources
    elif rows == EQUAL:
        yield from (list(some) for _, some in groupby(sources, key=len))
    else:
        yield from ([one] for one in sources)


def choose(ways: Sequence[MakeWay], model: Any, longest: int, last: MakeWay) -> Chosen:
    """The first of `ways` that is right, with as many rows together as may be; else the `last`.

    `longest` is how long a text gets with its answer. A model is tried once for each list of ways.
    """
    read_apart(model, longest)
    texts = texts_to_try(model, max(longest - STEPS, 1))
    known = model.__dict__.setdefault("tunebook_decodes", {})
    key = (len(ways), len(texts[0]))
    if key not in known:
        with evaluating(model):
            known[key] = _tried(ways, model, texts)
    number, rows, reasons = known[key]
    if number is None:
        return Chosen(last(), read_apart(model, longest), reasons)
    return Chosen(ways[number](), rows, reasons)


def _tried(
    ways: Sequence[MakeWay], model: Any, texts: Ids
) -> tuple[int | None, str, tuple[str, ...]]:
    """Which way, by its number; how rows stand together; why no way before it."""
    reasons: dict[str, None] = {}
    for rows in (TOGETHER, EQUAL, ALONE):
        for number, make in enumerate(ways):
            reason = _why_wrong(make, rows, model, texts)
            if not reason:
                return number, rows, tuple(reasons)
            reasons[reason] = None
    return None, ALONE, tuple(reasons)


def _why_wrong(make: MakeWay, rows: str, model: Any, texts: Ids) -> str:
    try:
        way = make()
        for some in _groups(texts, rows):
            tokens, logits = way.attempt(some)
            for text, row, found in zip(some, tokens, logits, strict=True):
                if not near(found, logits_of(model, [list(text)], [row]).to(found.dtype)):
                    return f"{way.name} gives other logits than one row alone without a cache"
    except REFUSALS as refusal:
        pass_on_full_memory(refusal)
        return words_of(refusal)
    return ""


@dataclass
class Reread(Way):
    """The whole text is read anew for each token, by the forward that is trained."""

    model: Any
    limit: int
    ends: set[int]

    def read(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """See Way."""
        made, _ = self._reread(sources, self.limit, self.ends)
        progress(len(sources))
        return made

    def attempt(self, sources: Ids) -> Tried:
        """See Way."""
        return self._reread(sources, STEPS, set())

    def _reread(self, sources: Ids, limit: int, ends: set[int]) -> Tried:
        made: list[list[int]] = [[] for _ in sources]
        steps: list[torch.Tensor] = []
        going = list(range(len(sources)))
        while going:
            # the token that is asked for is no part of the input: any number may stand for it
            answers = [[*made[row], 0] for row in going]
            logits = logits_of(self.model, [list(sources[row]) for row in going], answers)
            ask = torch.tensor([len(one) for one in answers]).cumsum(0) - 1
            steps.append(logits[ask])
            for row, token in zip(going, steps[-1].float().argmax(dim=-1).tolist(), strict=True):
                made[row].append(token)
            going = [row for row in going if made[row][-1] not in ends and len(made[row]) < limit]
        is_even = all(len(step) == len(sources) for step in steps)
        return made, torch.stack(steps, dim=1) if is_even else torch.empty(0)
