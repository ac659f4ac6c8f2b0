"""What a model's words and layers are made of, measured from the model itself.

PEFT guesses both from names in the configuration, and errs where heads are wider than the hidden
size tells, layers differ between encoder and decoder, or embeddings are narrower than the layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers.cache_utils import DynamicCache, EncoderDecoderCache

from tunebook.engine.kinds import KINDS, PREFIX, SOFT
from tunebook.errors import Problem, RequestError
from tunebook.models.architectures import ENCODER_DECODER

if TYPE_CHECKING:
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


def sizes_of_prompt(base: Base) -> dict[str, int]:
    """`token_dim` of vectors in front of the text, as PEFT calls their width."""
    return {"token_dim": no_words(base.model).shape[-1]}


def sizes_of_prefix(base: Base) -> dict[str, int]:
    """The sizes of keys and values in front of every layer's own, by PEFT's names.

    Raises RequestError where PEFT's prefix cannot hold them.
    """
    return sizes_of(keys_and_values(base, torch.zeros(1, 2, dtype=torch.long)))


def sizes_of(pairs: Pairs) -> dict[str, int]:
    """The same for keys and values by layer; `token_dim` is over all heads."""
    heads, width = widest(pairs)
    return {"token_dim": heads * width, "num_attention_heads": heads, "num_layers": len(pairs)}


def widest(pairs: Pairs) -> tuple[int, int]:
    """Heads, and the width of one, of the layer with the widest: Gemma 4 has two kinds of layers,
    and PEFT provides for this one."""
    keys = max((keys for keys, _ in pairs), key=lambda keys: keys.shape[-1])
    return keys.shape[1], keys.shape[-1]


def measured(base: Base, kind: str) -> dict[str, int]:
    """The sizes for an adapter of a type that PEFT calls `kind`; empty for changes of layers."""
    of = {SOFT: sizes_of_prompt, PREFIX: sizes_of_prefix}.get(KINDS.get(kind, ""))
    return of(base) if of else {}


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
