"""What stands in front of each row of a batch: prompts of different lengths side by side.

A decoder-only model gets each prompt's keys and values, computed once, as the row's cache:

    [masked | virtual tokens | masked | text]

Shorter prompts are filled up on the left with positions that nothing attends to. A cached key's
rotary position is baked in and counts from 0, and a text's positions counted from its row's mask
start behind its own prompt: each row is what it would be alone. A prefix is such a cache already,
and a row of the plain base model has an empty one.

An encoder-decoder model, and one whose prompt cannot be a cache, gets vectors in front of the
text's: [virtual tokens | text | masked], or [masked | virtual tokens | text] to generate behind.

A prompt is what `attach` gives: a PEFT model around `base.model`, or `base.model` itself for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import pad
from transformers.cache_utils import DynamicCache, DynamicLayer

from tunebook.engine.kinds import PLAIN, PREFIX, SOFT, kind_of
from tunebook.engine.shared import cannot_share, layers_of, prompt_cache
from tunebook.errors import Problem, RequestError
from tunebook.methods.parts.shapes import no_words
from tunebook.models.base import Base


@dataclass(frozen=True)
class Caches:
    """The keys and values of several prompts in every layer."""

    layers: list[tuple[torch.Tensor, torch.Tensor]]
    """each (prompts, heads, longest prompt, width of a head); empty where no row has a prompt"""
    lengths: torch.Tensor
    """virtual tokens of each prompt: int64 (prompts,)"""

    @staticmethod
    def of(base: Base, prompts: Sequence[Any]) -> Caches:
        """One pass for each soft prompt; gradients flow back to it."""
        found = [_cache_layers(prompt) for prompt in prompts]
        lengths = [layers[0][0].shape[-2] if layers else 0 for layers in found]
        like = next((layers for layers in found if layers), [])
        empty = [(keys[:, :, :0], values[:, :, :0]) for keys, values in like]
        by_layer = zip(*(layers or empty for layers in found), strict=True) if like else ()
        return Caches(
            [(_side_by_side([k for k, _ in one]), _side_by_side([v for _, v in one]))
             for one in by_layer],
            torch.tensor(lengths, device=base.model.device),
        )  # fmt: skip

    def of_rows(self, which: torch.Tensor) -> DynamicCache | None:
        """The cache of rows that use the prompts `which`, int64 (rows,); None for no prompt."""
        longest = int(self.lengths[which].max())
        if longest == 0:
            return None
        return DynamicCache(
            [(k[which, :, -longest:], v[which, :, -longest:]) for k, v in self.layers]
        )

    def mask(self, which: torch.Tensor) -> torch.Tensor:
        """int64 (rows, longest prompt among them): 1 on a row's own virtual tokens."""
        return _left_mask(self.lengths[which])


@dataclass(frozen=True)
class Vectors:
    """The vectors of several soft prompts: (prompts, longest prompt, width)."""

    vectors: torch.Tensor
    lengths: torch.Tensor

    @staticmethod
    def of(base: Base, prompts: Sequence[Any]) -> Vectors:
        """Gradients flow back to each prompt."""
        none = no_words(base.model)
        found = [none if kind_of(one) == PLAIN else one.get_prompt(1).to(none.dtype)
                 for one in prompts]  # fmt: skip
        lengths = torch.tensor([one.shape[1] for one in found], device=none.device)
        return Vectors(_side_by_side(found), lengths)

    def in_front(
        self, words: torch.Tensor, mask: torch.Tensor, which: torch.Tensor, *, left: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Each row's prompt and text without a gap, padding on one side.

        `words` are (rows, length, width) and `mask` int64 (rows, length). Gives the vectors (rows,
        longest row, width) and their mask.
        """
        own = _left_mask(self.lengths[which])
        whole = torch.cat([own, mask], dim=1)
        order = whole.argsort(dim=1, descending=not left, stable=True)
        longest = int(whole.sum(dim=1).max())
        order = order[:, -longest:] if left else order[:, :longest]
        table = self.vectors[which, self.vectors.shape[1] - own.shape[1] :]
        along = torch.cat([table, words], dim=1)
        vectors = along.gather(1, order[:, :, None].expand(-1, -1, along.shape[-1]))
        return vectors, whole.gather(1, order)


def front_for(base: Base, prompts: Sequence[Any]) -> type[Caches] | type[Vectors]:
    """Caches where the model can read them, else Vectors; one pass of a prompt finds out.

    Raises RequestError where a prompt cannot stand in one batch with the others.
    """
    vectors = why_vectors(base, prompts)
    if reasons := cannot_mix(base, prompts, vectors):
        raise RequestError([Problem(f"prompt {i}", reason) for i, reason in reasons.items()])
    return Vectors if vectors else Caches


def why_vectors(base: Base, prompts: Sequence[Any]) -> str:
    """Why the model must get vectors; empty where it can get caches."""
    if base.facts.family == "encoder-decoder":
        return "the encoder reads prompt and text together"
    soft = next((one for one in prompts if kind_of(one) == SOFT), None)
    return "" if soft is None else cannot_share(soft)


def cannot_mix(base: Base, prompts: Sequence[Any], vectors: str) -> dict[int, str]:
    """Which of `prompts`, by index, need batches of their own, and why."""
    found = ((i, _why_alone(base, one, vectors)) for i, one in enumerate(prompts))
    return {i: reason for i, reason in found if reason}


def _why_alone(base: Base, prompt: Any, vectors: str) -> str:
    kind = kind_of(prompt)
    if kind in (PLAIN, SOFT):
        return ""
    if kind != PREFIX:
        return f"{kind} changes the layers, which all rows of a batch go through"
    if base.facts.family == "encoder-decoder":
        return "a prefix stands in the decoder's layers, not in front of the text"
    if vectors or not _is_plain(prompt.get_prompt(1)):
        return f"its prefix is no plain cache ({vectors or 'its model has one of its own kind'})"
    return ""


def _cache_layers(prompt: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values of each layer, (1, heads, virtual tokens, width of a head); none if plain."""
    kind = kind_of(prompt)
    if kind == PLAIN:
        return []
    return layers_of(prompt.get_prompt(1) if kind == PREFIX else prompt_cache(prompt))


def _is_plain(cache: Any) -> bool:
    return isinstance(cache, DynamicCache) and all(type(x) is DynamicLayer for x in cache.layers)


def _side_by_side(parts: list[torch.Tensor]) -> torch.Tensor:
    """Tensors (1, ..., tokens, width) as one, the shorter ones filled up with zeros on the left."""
    longest = max(part.shape[-2] for part in parts)
    return torch.cat([pad(part, (0, 0, longest - part.shape[-2], 0)) for part in parts])


def _left_mask(lengths: torch.Tensor) -> torch.Tensor:
    longest = int(lengths.max())
    places = torch.arange(longest, device=lengths.device)
    return (places >= longest - lengths[:, None]).long()
