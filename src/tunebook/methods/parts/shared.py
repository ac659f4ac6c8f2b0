"""A soft prompt of a decoder-only model, computed once for all rows of a batch.

PEFT pushes the virtual tokens through the model again for every row. Their keys and values depend
on nothing but themselves, so one pass at batch size 1 gives them for the whole batch: they stand in
front of the text as its cache, and autograd sums the rows' gradients back into the one prompt.
Positions are counted from the mask, so that padding on either side changes nothing.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from peft import PeftModelForCausalLM
from transformers.cache_utils import DynamicCache, DynamicLayer

NEEDED = ("past_key_values", "position_ids", "attention_mask", "inputs_embeds")


class SharedPrompt(PeftModelForCausalLM):
    """A PEFT model whose `forward` shares the prompt; saved, loaded and named as PEFT's own."""

    def forward(  # type: ignore[override]
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: Any
    ) -> Any:
        """The base model's outputs for the text alone: logits (rows, length, vocabulary).

        `attention_mask` is int64 (rows, length), 1 where there is text.
        """
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        virtual = self.active_peft_config.num_virtual_tokens
        return self.get_base_model()(
            input_ids=input_ids,
            attention_mask=behind_prompt(mask, virtual),
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0) + virtual,
            past_key_values=expanded(prompt_cache(self), len(input_ids)),
            use_cache=True,
            **more,
        )


def behind_prompt(mask: torch.Tensor, virtual: int) -> torch.Tensor:
    """`mask` (rows, length) with `virtual` ones in front of each row."""
    return torch.cat([mask.new_ones(len(mask), virtual), mask], dim=1)


def prompt_cache(model: Any) -> DynamicCache:
    """Keys and values of the prompt in every layer: (1, heads, virtual tokens, width of a head)."""
    base = model.get_base_model()
    words = base.get_input_embeddings().weight.dtype
    prompt = model.get_prompt(batch_size=1).to(words)
    return base.get_decoder()(inputs_embeds=prompt, use_cache=True).past_key_values


def expanded(cache: DynamicCache, rows: int) -> DynamicCache:
    """A cache for `rows` rows that share the tensors of `cache`, which stays as it is."""
    layers: list[Any] = cache.layers
    return DynamicCache(
        [(one.keys.expand(rows, -1, -1, -1), one.values.expand(rows, -1, -1, -1)) for one in layers]
    )


def share(model: Any) -> str:
    """Let `model` share its prompt where its base can; returns the path taken and why."""
    if reason := cannot_share(model):
        return f"soft prompt computed for every row ({reason})"
    model.__class__ = SharedPrompt
    return "soft prompt computed once a batch (its keys and values are the rows' cache)"


def cannot_share(model: Any) -> str:
    """Why the prompt must be computed for every row; empty where it need not."""
    if not isinstance(model, PeftModelForCausalLM):
        return "the encoder reads prompt and text together"
    base = model.get_base_model()
    taken = inspect.signature(base.forward).parameters
    if missing := [name for name in NEEDED if name not in taken]:
        return f"{type(base).__name__} takes no {missing[0]}"
    if any(getattr(module, "gradient_checkpointing", False) for module in base.modules()):
        return "gradient checkpointing empties the cache"
    with torch.no_grad():
        cache = prompt_cache(model)
    if not isinstance(cache, DynamicCache):
        return f"{type(base).__name__} has a cache of its own kind"
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return "some layers see a sliding window"
    return ""
