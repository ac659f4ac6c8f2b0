"""From examples to tensors: span corruption, sorting by length, padding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer

from tunebook.pretraining.mixture import Example, draw
from tunebook.pretraining.settings import PretrainingSettings
from tunebook.pretraining.vocabulary import SENTINELS

PAD, END, FIRST_SENTINEL = 0, 1, 2
IGNORED = -100
LONGEST = 384


@dataclass(frozen=True)
class Sequences:
    """One example in ids. `target` is what is learned; decoder-only models read both in a row."""

    source: list[int]
    target: list[int]


@dataclass(frozen=True)
class Batch:
    """Right-padded tensors: ids and mask [rows, length], labels and weights [rows, target length].

    For decoder-only models labels and weights have the length of the ids.
    """

    ids: torch.Tensor
    mask: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    tokens: int


def encoded(
    example: Example, tokenizer: Tokenizer, encoder_decoder: bool, rng: Random
) -> Sequences:
    """The ids of an example, laid out as training and prediction of every task lay them out."""
    if encoder_decoder:
        source = tokenizer.encode(example.source, add_special_tokens=False).ids
        if example.target is None:
            return corrupted(source, rng)
        target = tokenizer.encode(example.target, add_special_tokens=False).ids
        return Sequences([*source, END], [*target, END])
    if example.target is None:
        return Sequences([], [*tokenizer.encode(example.source).ids, END])
    source = tokenizer.encode(example.source + "\n").ids
    return Sequences(source, [*tokenizer.encode(example.target).ids, END])


def corrupted(ids: list[int], rng: Random) -> Sequences:
    """T5's span corruption: 15 % of the tokens, in spans of 1 to 5, become sentinels."""
    source: list[int] = []
    target: list[int] = []
    position = hole = 0
    while position < len(ids):
        if rng.random() < 0.06 and hole < SENTINELS:
            span = rng.randrange(1, 6)
            mark = FIRST_SENTINEL + hole
            source.append(mark)
            target += [mark, *ids[position : position + span]]
            position, hole = position + span, hole + 1
        else:
            source.append(ids[position])
            position += 1
    return Sequences([*source, END], [*target, END])


def batches(
    tokenizer: Tokenizer, settings: PretrainingSettings, progress: Callable[[], float], seed: str
) -> Iterator[Batch]:
    """An endless stream; rows of like length share a batch, so that little is padded."""
    rng = Random(f"batches {seed} {settings.seed}")
    while True:
        rows: list[Sequences] = []
        while len(rows) < 16 * settings.batch:
            example = draw(rng, progress())
            row = encoded(example, tokenizer, settings.encoder_decoder, rng)
            if len(row.source) + len(row.target) <= LONGEST:
                rows.append(row)
        rows.sort(key=lambda row: (len(row.source), len(row.target)))
        groups = [
            rows[start : start + settings.batch] for start in range(0, len(rows), settings.batch)
        ]
        rng.shuffle(groups)
        for group in groups:
            yield collated(group, settings, rng.random() < settings.source_share)


def collated(
    rows: list[Sequences], settings: PretrainingSettings, learn_source: bool = True
) -> Batch:
    """Pad the rows to a batch of the model's family."""
    tokens = sum(len(row.source) + len(row.target) for row in rows)
    if settings.encoder_decoder:
        ids = _padded([row.source for row in rows], PAD)
        labels = _padded([row.target for row in rows], IGNORED)
        return Batch(ids, (ids != PAD).long(), labels, (labels != IGNORED).float(), tokens)
    ids = _padded([row.source + row.target for row in rows], PAD)
    weights = torch.zeros(ids.shape)
    for index, row in enumerate(rows):
        start, end = len(row.source), len(row.source) + len(row.target)
        weights[index, :start] = settings.source_weight if learn_source else 0.0
        weights[index, start:end] = 1.0
    labels = ids.masked_fill(weights == 0, IGNORED)
    return Batch(ids, (ids != PAD).long(), labels, weights, tokens)


def rounded(length: int, multiple: int = 8) -> int:
    """Up to a multiple: few distinct shapes keep the matrix library's cache of kernels small."""
    return -(-length // multiple) * multiple


def _padded(rows: list[list[int]], value: int) -> torch.Tensor:
    longest = rounded(max(len(row) for row in rows))
    return torch.tensor([row + [value] * (longest - len(row)) for row in rows])
