"""The sizes of what is learned in front of a model, measured from the model itself.

PEFT guesses them from names in the configuration, and errs where heads are wider than the hidden
size tells, layers differ between encoder and decoder, or embeddings are narrower than the layers.
"""

from __future__ import annotations

import torch

from tunebook.engine import KINDS, PREFIX, SOFT
from tunebook.models.base import Base
from tunebook.models.vectors import Pairs, keys_and_values, no_words


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
