"""A soft prompt of a decoder-only model, computed once for all rows of a batch.

PEFT pushes the virtual tokens through the model again for every row. Their keys and values depend
on nothing but themselves, so one pass at batch size 1 gives them for the whole batch, and autograd
sums the rows' gradients back into the one prompt. Positions are counted from the mask, so that
padding on either side changes nothing.

Where the model's attention can be exchanged, all rows read the one prompt (attention.py); where it
cannot, a copy of it stands in front of each row's text as its cache.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import PeftModelForCausalLM
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from tunebook.engine import attention
from tunebook.engine.batches import behind, pads_on_the_right, positions
from tunebook.engine.kinds import PREFIX, SOFT, kind_of
from tunebook.engine.plain import left_out
from tunebook.engine.probe import REFUSALS, evaluating, near, pass_on_full_memory, texts_to_try
from tunebook.models.vectors import Pairs, no_words

NEEDED = ("past_key_values", "position_ids", "attention_mask", "inputs_embeds")
SEEN_AT_MOST = 1000
"""Windows up to this width are looked past."""


class SharedPrompt(PeftModelForCausalLM):
    """A PEFT model whose rows read one prompt; saved, loaded and named as PEFT's own."""

    def forward(  # type: ignore[override]
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: Any
    ) -> Any:
        """The base model's outputs for the text alone: logits (rows, length, vocabulary).

        `attention_mask` is int64 (rows, length), 1 where there is text. Behind padding on the right
        no text follows, so that it needs no mask and its positions may count on.
        """
        if attention_mask is None or pads_on_the_right(attention_mask):
            attention_mask = None
            places = torch.arange(input_ids.shape[1], device=input_ids.device)[None]
        else:
            places = positions(attention_mask)
        return self.get_base_model()(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=places + self.active_peft_config.num_virtual_tokens,
            shared_prompt=layers_of(prompt_cache(self)),
            use_cache=False,
            **more,
        )


class CopiedPrompt(PeftModelForCausalLM):
    """The same for a model that reads nothing but its own cache: a copy of the prompt a row."""

    def forward(  # type: ignore[override]
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **more: Any
    ) -> Any:
        """As SharedPrompt."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        virtual = self.active_peft_config.num_virtual_tokens
        return self.get_base_model()(
            input_ids=input_ids,
            attention_mask=behind(virtual, mask),
            position_ids=positions(mask) + virtual,
            past_key_values=expanded(prompt_cache(self), len(input_ids)),
            use_cache=True,
            **more,
        )


def prompt_cache(model: Any) -> Any:
    """Keys and values of the prompt in every layer: (1, heads, virtual tokens, width of a head).

    None, or a cache of another kind, where the model keeps none of these.
    """
    base = model.get_base_model()
    prompt = model.get_prompt(batch_size=1).to(no_words(base).dtype)
    with _no_checkpointing(base):
        read = base.get_decoder()(inputs_embeds=prompt, use_cache=True)
    return getattr(read, "past_key_values", None)


def learned_cache(model: Any) -> DynamicCache | None:
    """What stands in front of every row of a decoder-only model: a prompt's cache, a prefix, or
    nothing."""
    kind = kind_of(model)
    if kind == PREFIX:
        return model.get_prompt(1)
    return prompt_cache(model) if kind == SOFT else None


@contextmanager
def _no_checkpointing(base: Any) -> Iterator[None]:
    """Gradient checkpointing keeps no cache; one row of virtual tokens needs none of it."""
    on = [one for one in base.modules() if getattr(one, "gradient_checkpointing", False)]
    for module in on:
        module.gradient_checkpointing = False
    try:
        yield
    finally:
        for module in on:
            module.gradient_checkpointing = True


def layers_of(cache: Any) -> Pairs:
    """Keys and values of each layer of a cache; none of no cache."""
    return [(layer.keys, layer.values) for layer in cache.layers] if cache is not None else []


def expanded(cache: DynamicCache, rows: int) -> DynamicCache:
    """A cache for `rows` rows that share the tensors of `cache`, which stays as it is."""
    return DynamicCache(copies(layers_of(cache), rows))


def copies(layers: attention.Layers, rows: int) -> Pairs:
    """Keys and values of 1 row as those of several; the same tensors."""
    return [(k.expand(rows, -1, -1, -1), v.expand(rows, -1, -1, -1)) for k, v in layers]


def share(model: Any) -> str:
    """Let `model` share its prompt where its base can; returns the path taken and why."""
    if reason := cannot_share(model) or left_out("prompt"):
        return f"soft prompt computed for every row ({reason})"
    base = model.get_base_model()
    with torch.no_grad():
        reason = cannot_read_prompt(base, prompt_cache(model))
    if not reason and _is_the_same(model, SharedPrompt):
        return "soft prompt computed once a batch (all rows read the same keys and values)"
    reason = reason or f"{type(base).__name__} reads a shared prompt otherwise"
    if any(getattr(one, "gradient_checkpointing", False) for one in model.modules()):
        return f"soft prompt computed for every row (gradient checkpointing; {reason})"
    if _is_the_same(model, CopiedPrompt):
        return f"soft prompt computed once a batch and copied for each row ({reason})"
    return f"soft prompt computed for every row ({type(base).__name__} reads its cache otherwise)"


def _is_the_same(model: Any, cls: type) -> bool:
    """Whether `cls` gives the logits that PEFT gives; where it does, `model` becomes one."""
    rows = torch.tensor(texts_to_try(model.get_base_model(), SEEN_AT_MOST)[:1] * 2)
    rows = rows.to(model.get_base_model().device)
    stock = model.__class__
    with evaluating(model):
        wanted = model(input_ids=rows, attention_mask=torch.ones_like(rows)).logits
        try:
            model.__class__ = cls
            found = model(input_ids=rows, attention_mask=torch.ones_like(rows)).logits
            same = near(found, wanted[:, -rows.shape[1] :])
        except REFUSALS:
            same = False
    if not same:
        model.__class__ = stock
    return same


def cannot_share(model: Any) -> str:
    """Why the prompt must be computed for every row; empty where it need not."""
    if not isinstance(model, PeftModelForCausalLM):
        return "the encoder reads prompt and text together"
    base = model.get_base_model()
    taken = inspect.signature(base.forward).parameters
    if missing := [name for name in NEEDED if name not in taken]:
        return f"{type(base).__name__} takes no {missing[0]}"
    with torch.no_grad():
        return why_no_plain_cache(base, prompt_cache(model))


def why_no_plain_cache(base: Any, cache: Any) -> str:
    """Why keys and values of `cache` are not those of all positions in all layers; else empty."""
    if not isinstance(cache, DynamicCache):
        return f"{type(base).__name__} has a cache of its own kind"
    if any(isinstance(layer, DynamicSlidingWindowLayer) for layer in cache.layers):
        return "some layers see a sliding window"
    if any(type(layer) is not DynamicLayer for layer in cache.layers):
        return "some layers keep a state instead of keys and values"
    return ""


def cannot_read_prompt(base: Any, cache: Any) -> str:
    """Why rows cannot read `cache` as their prompt; where they can, the attention is exchanged.

    One text is read both ways, since models differ in what they pass on to their attention.
    """
    config = base.config
    if config._attn_implementation == attention.NAME:
        return ""
    if reason := left_out("attention"):
        return reason
    if config._attn_implementation != "sdpa":
        return f"attention {config._attn_implementation}"
    ids = torch.tensor(texts_to_try(base, SEEN_AT_MOST)[:1], device=base.device)
    with evaluating(base):
        wanted = base(input_ids=ids, past_key_values=expanded(cache, 1), use_cache=True).logits
        config._attn_implementation = attention.NAME
        if near(_logits_behind_prompt(base, ids, cache), wanted):
            return ""
    config._attn_implementation = "sdpa"
    return f"the attention of {type(base).__name__} cannot be exchanged"


def _logits_behind_prompt(base: Any, ids: torch.Tensor, cache: Any) -> torch.Tensor | None:
    """None where a layer did not ask for its keys and values, or has them in another form."""
    asked = _Asked(layers_of(cache))
    places = torch.arange(ids.shape[1], device=ids.device)[None] + cache.get_seq_length()
    given = {"input_ids": ids, "position_ids": places, "use_cache": False}
    try:
        logits: torch.Tensor = base(**given, shared_prompt=asked).logits
    except REFUSALS as refusal:
        pass_on_full_memory(refusal)
        return None
    return logits if asked.layers == set(range(len(asked))) else None


class _Asked(list[attention.Pair]):
    """Remembers which layers were asked for."""

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        self.layers: set[Any] = set()

    def __getitem__(self, layer: Any) -> Any:
        self.layers.add(layer)
        return super().__getitem__(layer)
