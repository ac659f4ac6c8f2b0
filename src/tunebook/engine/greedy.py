"""Greedy search in which a row that has ended makes room for one that waits.

transformers' `generate` computes every row of a batch until the last one ends. Here the last of the
rows still going takes the place of one that has ended, so that only rows still going are computed;
and where positions are each row's own, waiting rows join the batch (Yu et al. 2022, Orca).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

import torch
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from tunebook.engine.front import Front
from tunebook.engine.padding import padded
from tunebook.engine.room import Pair, move_rows, roomy
from tunebook.engine.shared import text_positions


class Rows(Protocol):
    """Rows as a model reads them on; those that are going stand in front."""

    def come(self) -> torch.Tensor | None:
        """Logits for the first new token of rows that join behind the others, (rows, vocabulary).

        None where none waits, or too few have left.
        """

    def behind(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits behind these tokens, int64 (rows,), one for each row going."""

    def leave(self, to: list[int], rows: list[int], left: int) -> None:
        """Row `rows[i]` takes the place `to[i]`; the first `left` rows stay."""


@torch.no_grad()
def search(
    rows: Rows, limit: int, ends: Collection[int], ended: Callable[[int], object] = lambda _: None,
    heard: Callable[[torch.Tensor], object] = lambda _: None,
) -> list[list[int]]:  # fmt: skip
    """The most probable next token again and again: new tokens of each row, its end included.

    A row ends with one of `ends`, or after `limit` tokens; `ended` is told of how many more. Rows
    are in the order in which they came. `heard` gets the logits (rows, vocabulary) of each step.
    """
    found: list[list[int]] = []
    going: list[int] = []
    tokens = torch.empty(0, dtype=torch.long)
    while True:
        stay = [found[row][-1] not in ends and len(found[row]) < limit for row in going]
        if not all(stay):
            to, last, left = _close_ranks(stay)
            rows.leave(to, last, left)
            ended(len(going) - left)
            tokens[to], going = tokens[last], _moved(going, to, last, left)
            tokens = tokens[:left]
        logits = rows.come()
        if logits is not None:
            heard(logits)
            new = logits.float().argmax(dim=-1)
            going += range(len(found), len(found) + len(new))
            found += [[token] for token in new.tolist()]
            tokens = torch.cat([tokens.to(new.device), new])
        elif going:
            heard(logits := rows.behind(tokens))
            tokens = logits.float().argmax(dim=-1)
            for row, token in zip(going, tokens.tolist(), strict=True):
                found[row].append(token)
        else:
            return found


def _close_ranks(stay: list[bool]) -> tuple[list[int], list[int], int]:
    """Places to fill, the rows that fill them, and how many rows are left."""
    left = sum(stay)
    to = [place for place in range(left) if not stay[place]]
    return to, [place for place in range(left, len(stay)) if stay[place]], left


def _moved(going: list[int], to: list[int], last: list[int], left: int) -> list[int]:
    for place, row in zip(to, last, strict=True):
        going[place] = going[row]
    return going[:left]


JOIN = 4
"""Rows join when a quarter of the places is free: fewer at once would read their texts slowly."""


class DecoderRows:
    """Rows of a decoder-only model; a text ends where its first new token is to stand.

    A row's keys end in the column of the other rows' keys, and begin where its own text begins.

    Args:
        model: the transformers model.
        sources: ids of each text, the longest first.
        pad: the id that stands for nothing.
        size: how many rows are going at once.
        limit: how many tokens are made of a row at most.
        front: keys and values that all rows share, in a model whose attention can read it.
        copied: keys and values, of 1 row, that each row gets a copy of in front of its text.
    """

    def __init__(
        self, model: Any, sources: Sequence[Sequence[int]], pad: int, size: int, limit: int,
        front: Front | None = None, copied: Sequence[Pair] = (),
    ) -> None:  # fmt: skip
        self.model, self.waiting, self.pad = model, list(sources), pad
        self.size, self.limit, self.copied = size, limit, copied
        self.virtual = front[0][0].shape[2] if front else 0
        self.more: dict[str, Any] = {"front": front} if front else {}
        self.going = self.filled = 0

    def come(self) -> torch.Tensor | None:
        """Reads as many waiting texts as there are free places."""
        free = self.size - self.going
        if not self.waiting or (self.going and free * JOIN < self.size):
            return None
        some, self.waiting = self.waiting[:free], self.waiting[free:]
        return self._join(some) if self.going else self._begin(some)

    def _begin(self, sources: list[Sequence[int]]) -> torch.Tensor:
        longest = len(sources[0]) + self._copies
        room = longest + 2 * self.limit
        self.cache, mask, self.positions, logits = self._read_texts(sources, room)
        self.mask = mask.new_zeros(len(mask), room)
        self.mask[:, :longest] = mask
        self.going, self.filled = len(mask), longest
        return logits

    def _join(self, sources: list[Sequence[int]]) -> torch.Tensor:
        cache, mask, positions, logits = self._read_texts(sources, len(sources[0]) + self._copies)
        rows = slice(self.going, self.going + len(sources))
        for mine, new in zip(self.cache.layers, cache.layers, strict=True):
            mine.take_in(new, self.going)
        self.mask[rows] = 0
        self.mask[rows, self.filled - mask.shape[1] : self.filled] = mask
        self.positions = torch.cat([self.positions, positions])
        self.going += len(sources)
        return logits

    @property
    def _copies(self) -> int:
        return self.copied[0][0].shape[2] if self.copied else 0

    def _read_texts(
        self, sources: list[Sequence[int]], room: int
    ) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cache, mask (rows, length), each row's last position (rows, 1), and logits."""
        rows, device = len(sources), self.model.device
        ids = padded(sources, self.pad, left=True).to(device)
        mask = padded([[1] * len(source) for source in sources], 0, left=True).to(device)
        start = [(k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1)) for k, v in self.copied]
        cache = roomy(self.model.config.num_hidden_layers, room, start)
        positions = text_positions(mask) + self.virtual + self._copies
        mask = torch.cat([mask.new_ones(rows, self._copies), mask], dim=1)
        return cache, mask, positions[:, -1:], self._read(ids, mask, positions, cache)

    def _read(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        logits: torch.Tensor = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache,
            use_cache=True, logits_to_keep=1, **self.more,
        ).logits[:, -1]  # fmt: skip
        return logits

    def behind(self, tokens: torch.Tensor) -> torch.Tensor:
        """Reads one token a row.

        Nothing is read of the first columns, in which no row going has anything: those of rows that
        have left.
        """
        start = int(self.mask[: self.going].any(dim=0).long().argmax())
        for layer in self.cache.layers:
            layer.start = start
        if self.filled == self.mask.shape[1]:
            self._make_room(start)
            start = 0
        self.mask[: self.going, self.filled] = 1
        self.filled += 1
        self.positions = self.positions + 1
        mask = self.mask[: self.going, start : self.filled]
        return self._read(tokens[:, None], mask, self.positions, self.cache)

    def _make_room(self, start: int) -> None:
        for layer in self.cache.layers:
            layer.make_room()
        self.mask = self.mask.roll(-start, dims=1)
        self.filled -= start
        self.mask[:, self.filled :] = 0

    def leave(self, to: list[int], rows: list[int], left: int) -> None:
        """See Rows."""
        for tensor in (self.mask, self.positions):
            tensor[to] = tensor[rows]
        self.positions, self.going = self.positions[:left], left
        move_rows(self.cache, to, rows, left)


class EncodedRows:
    """Rows of an encoder-decoder model, which the encoder has read.

    Args:
        model: the transformers model.
        read: the encoder's vectors, (rows, length, width), and their mask, int64 (rows, length).
        limit: how many tokens will be decoded at most.
        begin: the token that the decoder starts with.
        start: keys and values in front of the decoder's tokens, by layer.
    """

    def __init__(
        self, model: Any, read: tuple[torch.Tensor, torch.Tensor], limit: int, begin: int,
        start: Sequence[Pair] = (),
    ) -> None:  # fmt: skip
        self.model, self.begin, self.begun = model, begin, False
        self.vectors, self.mask = read
        room = limit + (start[0][0].shape[2] if start else 0)
        layers = len(_decoder_layers(model))
        self.cache = EncoderDecoderCache(roomy(layers, room, start), DynamicCache())

    def come(self) -> torch.Tensor | None:
        """Reads the start token; all rows come at once, as a decoder counts positions for all."""
        if self.begun:
            return None
        self.begun = True
        return self.behind(self.mask.new_full((len(self.mask),), self.begin))

    def behind(self, tokens: torch.Tensor) -> torch.Tensor:
        """Reads one token a row."""
        logits: torch.Tensor = self.model(
            encoder_outputs=BaseModelOutput(last_hidden_state=self.vectors),
            attention_mask=self.mask, decoder_input_ids=tokens[:, None],
            past_key_values=self.cache, use_cache=True,
        ).logits[:, -1]  # fmt: skip
        return logits

    def leave(self, to: list[int], rows: list[int], left: int) -> None:
        """See Rows."""
        for tensor in (self.vectors, self.mask):
            tensor[to] = tensor[rows]
        self.vectors, self.mask = self.vectors[:left], self.mask[:left]
        move_rows(self.cache.self_attention_cache, to, rows, left)
        move_rows(self.cache.cross_attention_cache, to, rows, left)


def _decoder_layers(model: Any) -> Any:
    decoder = model.get_decoder()
    return getattr(decoder, "block", None) or decoder.layers
