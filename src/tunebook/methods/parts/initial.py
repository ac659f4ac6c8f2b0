"""Where learned vectors start: from words of the model's own vocabulary."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from tunebook.errors import Problem, RequestError

if TYPE_CHECKING:
    from tunebook.models.base import Base


def prompt_vectors(base: Base, init: str, count: int, text: str) -> torch.Tensor:
    """The first values of a soft prompt: float32, (count, width of the input embeddings).

    text: embeddings of the words of `text`, repeated or cut to `count`.
    vocabulary: embeddings of tokens drawn without replacement where there are enough.
    random: uniform between -0.5 and 0.5 (Lester et al. 2021, section 3.2).
    """
    table = base.model.get_input_embeddings().weight.detach()
    if init == "random":
        return torch.rand(count, table.shape[1]) - 0.5
    ids = text_ids(base, count, text) if init == "text" else _sampled_ids(base, count)
    return table[ids.to(table.device)].float().cpu()


def text_ids(base: Base, count: int, text: str) -> torch.Tensor:
    """Token ids of `text` without special tokens, repeated or cut to `count`: int64, (count,)."""
    ids = base.tokenizer(text, add_special_tokens=False)["input_ids"]
    if not ids:
        raise RequestError(Problem("method.init_text", "holds no tokens", "Give it some words."))
    return torch.tensor((ids * math.ceil(count / len(ids)))[:count])


def _sampled_ids(base: Base, count: int) -> torch.Tensor:
    special = set(base.tokenizer.all_special_ids)
    words = torch.tensor([i for i in range(len(base.tokenizer)) if i not in special])
    if count > len(words):
        return words[torch.randint(len(words), (count,))]
    return words[torch.randperm(len(words))[:count]]


@torch.no_grad()
def prefix_cache(base: Base, count: int, text: str) -> list[tuple[Any, Any]]:
    """The decoder's keys and values of `text`, a pair a layer: (1, heads, count, width of a head).

    An encoder-decoder model reads the text with its decoder, before an encoder that read the same.
    """
    ids = text_ids(base, count, text)[None].to(base.model.device)
    inputs = {"input_ids": ids, "use_cache": True}
    if base.facts.family == "encoder-decoder":
        inputs["decoder_input_ids"] = ids
    cache = base.model(**inputs).past_key_values
    layers = getattr(cache, "self_attention_cache", cache).layers
    return [(layer.keys, layer.values) for layer in layers]
