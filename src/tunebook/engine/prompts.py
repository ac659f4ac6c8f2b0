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
from transformers.cache_utils import DynamicCache

from tunebook.engine.batches import Tensors
from tunebook.engine.kinds import PLAIN, PREFIX, SOFT, kind_of
from tunebook.engine.prompt import cannot_share, layers_of, learned_cache, why_no_plain_cache
from tunebook.errors import Problem, RequestError
from tunebook.models.base import Base
from tunebook.models.vectors import Pairs, no_words


@dataclass(frozen=True)
class Caches:
    """The keys and values of several prompts in every layer."""

    layers: Pairs
    """each (prompts, heads, longest prompt, width of a head); empty where no row has a prompt"""
    lengths: torch.Tensor
    """virtual tokens of each prompt: int64 (prompts,)"""

    @staticmethod
    def of(base: Base, prompts: Sequence[Any]) -> Caches:
        """One pass for each soft prompt."""
        found = [layers_of(learned_cache(prompt)) for prompt in prompts]
        lengths = [layers[0][0].shape[-2] if layers else 0 for layers in found]
        like = next((layers for layers in found if layers), [])
        empty = [(keys[:, :, :0], values[:, :, :0]) for keys, values in like]
        by_layer = zip(*(layers or empty for layers in found), strict=True) if like else ()
        layers = [
            (_side_by_side([k for k, _ in one]), _side_by_side([v for _, v in one]))
            for one in by_layer
        ]
        return Caches(layers, torch.tensor(lengths, device=base.model.device))

    def row_lengths(self, which: Sequence[int]) -> list[int]:
        """What each row takes of a batch's length beside its text: nothing."""
        return [0] * len(which)

    def inputs(self, text: Tensors, which: torch.Tensor, beams: int) -> dict[str, Any]:
        """What a model generates from behind the prompts `which`, int64 (rows,)."""
        mask = torch.cat([_left_mask(self.lengths[which]), text["attention_mask"]], dim=1)
        cache = self._of_rows(which.repeat_interleave(beams))
        return {**text, "attention_mask": mask, "past_key_values": cache}

    def _of_rows(self, which: torch.Tensor) -> DynamicCache | None:
        longest = int(self.lengths[which].max())
        if longest == 0:
            return None
        return DynamicCache(
            [(k[which, :, -longest:], v[which, :, -longest:]) for k, v in self.layers]
        )


@dataclass(frozen=True)
class Vectors:
    """The vectors of several soft prompts: (prompts, longest prompt, width)."""

    base: Base
    vectors: torch.Tensor
    lengths: torch.Tensor

    @staticmethod
    def of(base: Base, prompts: Sequence[Any]) -> Vectors:
        """A prompt's own, none for the plain base."""
        none = no_words(base.model)
        found = [
            none if kind_of(one) == PLAIN else one.get_prompt(1).to(none.dtype) for one in prompts
        ]
        lengths = torch.tensor([one.shape[1] for one in found], device=none.device)
        return Vectors(base, _side_by_side(found), lengths)

    def row_lengths(self, which: Sequence[int]) -> list[int]:
        """See Caches: the virtual tokens."""
        lengths: list[int] = self.lengths[list(which)].tolist()
        return lengths

    def inputs(self, text: Tensors, which: torch.Tensor, beams: int) -> dict[str, Any]:
        """See Caches: each row's prompt and text without a gap, padding on one side."""
        left = self.base.facts.family == "decoder-only"
        words = self.base.model.get_input_embeddings()(text["input_ids"])
        own = _left_mask(self.lengths[which])
        whole = torch.cat([own, text["attention_mask"]], dim=1)
        order = whole.argsort(dim=1, descending=not left, stable=True)
        longest = int(whole.sum(dim=1).max())
        order = order[:, -longest:] if left else order[:, :longest]
        table = self.vectors[which, self.vectors.shape[1] - own.shape[1] :]
        along = torch.cat([table, words], dim=1)
        vectors = along.gather(1, order[:, :, None].expand(-1, -1, along.shape[-1]))
        return {"inputs_embeds": vectors, "attention_mask": whole.gather(1, order)}


Prompts = Caches | Vectors


def prompts_of(base: Base, prompts: Sequence[Any]) -> Prompts:
    """Caches where the model can read them, else Vectors; one pass of a prompt finds out.

    Raises RequestError where a prompt cannot stand in one batch with the others.
    """
    vectors = _why_vectors(base, prompts)
    if reasons := _why_alone(base, prompts, vectors):
        raise RequestError([Problem(f"prompt {i}", reason) for i, reason in reasons.items()])
    return (Vectors if vectors else Caches).of(base, prompts)


def cannot_mix(base: Base, prompts: Sequence[Any]) -> dict[int, str]:
    """Which of `prompts`, by index, need batches of their own, and why."""
    return _why_alone(base, prompts, _why_vectors(base, prompts))


def _why_alone(base: Base, prompts: Sequence[Any], vectors: str) -> dict[int, str]:
    found = ((i, _why_one_alone(base, one, vectors)) for i, one in enumerate(prompts))
    return {i: reason for i, reason in found if reason}


def _why_vectors(base: Base, prompts: Sequence[Any]) -> str:
    """Why the model must get vectors; empty where it can get caches."""
    if base.facts.family == "encoder-decoder":
        return "the encoder reads prompt and text together"
    soft = next((one for one in prompts if kind_of(one) == SOFT), None)
    return "" if soft is None else cannot_share(soft)


def _why_one_alone(base: Base, prompt: Any, vectors: str) -> str:
    kind = kind_of(prompt)
    if kind in (PLAIN, SOFT):
        return ""
    if kind != PREFIX:
        return f"{kind} changes the layers, which all rows of a batch go through"
    if base.facts.family == "encoder-decoder":
        return "a prefix stands in the decoder's layers, not in front of the text"
    if vectors or why_no_plain_cache(base.model, prompt.get_prompt(1)):
        return f"its prefix is no plain cache ({vectors or 'its model has one of its own kind'})"
    return ""


def _side_by_side(parts: Sequence[torch.Tensor]) -> torch.Tensor:
    """Tensors (1, ..., tokens, width) as one, the shorter ones filled up with zeros on the left."""
    longest = max(part.shape[-2] for part in parts)
    return torch.cat([pad(part, (0, 0, longest - part.shape[-2], 0)) for part in parts])


def _left_mask(lengths: torch.Tensor) -> torch.Tensor:
    """int64 (rows, the longest): 1 on a row's own virtual tokens."""
    longest = int(lengths.max())
    places = torch.arange(longest, device=lengths.device)
    return (places >= longest - lengths[:, None]).long()
