"""What a model makes of words: the vectors in front of its layers, and what each layer keeps.

Both are asked of the model itself: names in a configuration tell less.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from tunebook.errors import Problem, RequestError
from tunebook.models.architectures import ENCODER_DECODER
from tunebook.models.base import Base

Pairs = list[tuple[torch.Tensor, torch.Tensor]]
"""Keys and values by layer: (1, heads, length, width of a head)."""
OTHER_METHODS = "Choose method=prompt or method=lora."
NO_PLAIN_CACHE = (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What models raise whose layers cannot keep their keys and values in a plain cache."""


@torch.no_grad()
def words_of(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """The vectors of token ids as the layers get them: (..., width), scaled where the model does.

    The embedding's weight tells less: Gemma, XGLM, BioGPT or M2M100 multiply it by the root of its
    width.
    """
    layer = model.get_input_embeddings()
    words: torch.Tensor = layer(ids.to(layer.weight.device))
    return words.detach()


def no_words(model: Any) -> torch.Tensor:
    """No vector at all, (1, 0, width), of the format and on the device of the model's words."""
    return words_of(model, torch.zeros(1, 0, dtype=torch.long))


def vocabulary_of(model: Any) -> int:
    """How many tokens the model has vectors for; its tokenizer may know more."""
    return len(model.get_input_embeddings().weight)


def has_learned_positions(model: Any) -> bool:
    """Whether a position is looked up in a table, so that there is none behind its end."""
    return any(
        ("position" in name or "wpe" in name) and getattr(module, "weight", None) is not None
        for name, module in model.named_modules()
    )


@torch.no_grad()
def keys_and_values(base: Base, ids: torch.Tensor) -> Pairs:
    """What each layer of the decoder keeps of `ids` (1, length).

    An encoder-decoder model reads them with its decoder, before an encoder that read the same.
    Raises RequestError where some layers keep something else.
    """
    ids, cache = ids.to(base.model.device), DynamicCache()
    inputs: dict[str, Any] = {"input_ids": ids, "use_cache": True, "past_key_values": cache}
    if base.facts.family == ENCODER_DECODER:
        inputs["decoder_input_ids"] = ids
        inputs["past_key_values"] = EncoderDecoderCache(cache, DynamicCache())
    try:
        base.model(**inputs)
        layers: list[Any] = cache.layers
        pairs = [(layer.keys, layer.values) for layer in layers]
    except NO_PLAIN_CACHE as refusal:
        raise _no_prefix(base, "has layers that keep none, or read no plain cache") from refusal
    if not pairs:
        raise _no_prefix(base, "keeps no keys and values")
    if any(part is None for pair in pairs for part in pair):
        raise _no_prefix(base, "has layers that keep none")
    if any(keys.shape != values.shape for keys, values in pairs):
        raise _no_prefix(base, "has values of another width than its keys")
    return pairs


def _no_prefix(base: Base, why: str) -> RequestError:
    what = f"prefix tuning needs keys and values in every layer: {base.facts.architecture} {why}"
    return RequestError(Problem("method", what, OTHER_METHODS))
