"""Rows of a batch as a model reads them on, token by token; any of them may leave.

Where positions are each row's own, waiting rows join the batch (Yu et al. 2022, Orca).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from transformers.cache_utils import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import BaseModelOutput

from tunebook.engine.attention import Layers
from tunebook.engine.batches import Ids, behind, positions, texts
from tunebook.engine.cache import Pair, move_rows, roomy
from tunebook.engine.prompt import copies


@dataclass(frozen=True)
class Prompt:
    """Keys and values of 1 row by layer, in front of the text of every row."""

    layers: Layers = ()
    is_shared: bool = False
    """whether all rows read the one, in a model whose attention can; else each gets a copy"""

    @property
    def length(self) -> int:
        """Virtual tokens."""
        return self.layers[0][0].shape[2] if self.layers else 0

    def of_rows(self, rows: int) -> list[Pair]:
        """The same tensors for so many rows."""
        return copies(self.layers, rows)


NO_PROMPT = Prompt()
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
        prompt: what stands in front of each text.
    """

    def __init__(
        self, model: Any, sources: Ids, pad: int, size: int, limit: int, prompt: Prompt = NO_PROMPT
    ) -> None:
        self.model, self.waiting, self.pad = model, list(sources), pad
        self.size, self.limit, self.prompt = size, limit, prompt
        self.copies = 0 if prompt.is_shared else prompt.length
        self.going = self.filled = 0

    def come(self) -> torch.Tensor | None:
        """Reads as many waiting texts as there are free places."""
        free = self.size - self.going
        if not self.waiting or (self.going and free * JOIN < self.size):
            return None
        some, self.waiting = self.waiting[:free], self.waiting[free:]
        return self._join(some) if self.going else self._begin(some)

    def _begin(self, sources: Ids) -> torch.Tensor:
        longest = len(sources[0]) + self.copies
        room = longest + 2 * self.limit
        self.cache, mask, self.positions, logits = self._read_texts(sources, room)
        self.mask = mask.new_zeros(len(mask), room)
        self.mask[:, :longest] = mask
        self.going, self.filled = len(mask), longest
        return logits

    def _join(self, sources: Ids) -> torch.Tensor:
        cache, mask, last, logits = self._read_texts(sources, len(sources[0]) + self.copies)
        rows = slice(self.going, self.going + len(sources))
        for mine, new in zip(self.cache.layers, cache.layers, strict=True):
            mine.take_in(new, self.going)
        self.mask[rows] = 0
        self.mask[rows, self.filled - mask.shape[1] : self.filled] = mask
        self.positions = torch.cat([self.positions, last])
        self.going += len(sources)
        return logits

    def _read_texts(
        self, sources: Ids, room: int
    ) -> tuple[Any, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Cache, mask (rows, length), each row's last position (rows, 1), and logits."""
        rows, device = len(sources), self.model.device
        ids, mask = (one.to(device) for one in texts(sources, self.pad, left=True).values())
        start = [] if self.prompt.is_shared else self.prompt.of_rows(rows)
        cache = roomy(self.model.config.num_hidden_layers, room, start)
        places = positions(mask) + self.prompt.length
        mask = behind(self.copies, mask)
        return cache, mask, places[:, -1:], self._read(ids, mask, places, cache)

    def _read(
        self, ids: torch.Tensor, mask: torch.Tensor, places: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        more = {"shared_prompt": self.prompt.layers} if self.prompt.is_shared else {}
        logits: torch.Tensor = self.model(
            input_ids=ids, attention_mask=mask, position_ids=places, past_key_values=cache,
            use_cache=True, logits_to_keep=1, **more,
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
        prompt: keys and values in front of the decoder's tokens.
    """

    def __init__(
        self,
        model: Any,
        read: tuple[torch.Tensor, torch.Tensor],
        limit: int,
        begin: int,
        prompt: Prompt = NO_PROMPT,
    ) -> None:
        self.model, self.begin, self.begun = model, begin, False
        self.vectors, self.mask = read
        start = prompt.of_rows(len(self.mask))
        own = roomy(len(_decoder_layers(model)), limit + prompt.length, start)
        self.cache = EncoderDecoderCache(own, DynamicCache())

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
