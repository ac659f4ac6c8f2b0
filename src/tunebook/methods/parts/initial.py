"""Where learned vectors start: from words of the model's own vocabulary."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import pad

from tunebook.errors import Problem, RequestError
from tunebook.methods.parts.shapes import widest
from tunebook.models.base import Base
from tunebook.models.vectors import Pairs, keys_and_values, no_words, vocabulary_of, words_of


def prompt_vectors(base: Base, init: str, count: int, text: str) -> torch.Tensor:
    """The first values of a soft prompt: float32, (count, width of the input embeddings).

    text: embeddings of the words of `text`, repeated or cut to `count`.
    vocabulary: embeddings of tokens drawn without replacement where there are enough.
    random: uniform between -0.5 and 0.5 (Lester et al. 2021, section 3.2).
    """
    if init == "random":
        return torch.rand(count, no_words(base.model).shape[-1]) - 0.5
    ids = text_ids(base, count, text) if init == "text" else _sampled_ids(base, count)
    return words_of(base.model, ids).float().cpu()


def text_ids(base: Base, count: int, text: str) -> torch.Tensor:
    """Token ids of `text` without special tokens, repeated or cut to `count`: int64, (count,)."""
    known = vocabulary_of(base.model)
    ids = [
        one for one in base.tokenizer(text, add_special_tokens=False)["input_ids"] if one < known
    ]
    if not ids:
        raise RequestError(Problem("method.init_text", "holds no tokens", "Give it some words."))
    return torch.tensor((ids * math.ceil(count / len(ids)))[:count])


def _sampled_ids(base: Base, count: int) -> torch.Tensor:
    special = set(base.tokenizer.all_special_ids)
    known = min(len(base.tokenizer), vocabulary_of(base.model))
    words = torch.tensor([i for i in range(known) if i not in special])
    if count > len(words):
        return words[torch.randint(len(words), (count,))]
    return words[torch.randperm(len(words))[:count]]


def prefix_cache(base: Base, count: int, text: str) -> Pairs:
    """The decoder's keys and values of `text`, a pair a layer: (1, heads, count, width of a head).

    All are as wide as the widest layer: PEFT cuts off what is filled up with zeros here.
    """
    pairs = keys_and_values(base, text_ids(base, count, text)[None])
    heads, width = widest(pairs)
    return [(_fitted(keys, heads, width), _fitted(values, heads, width)) for keys, values in pairs]


def _fitted(part: torch.Tensor, heads: int, width: int) -> torch.Tensor:
    return pad(part, (0, width - part.shape[3], 0, 0, 0, heads - part.shape[1]))
