"""Batched generation in which padding never changes an answer.

PEFT lays a left-padded batch of a decoder-only model out as [virtual][pad][text] and numbers the
positions through the padding. Here positions are counted from the mask, so that each row is what
it would be alone; a soft prompt is computed once and stands in front of every batch as its cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunebook.models.base import Base
from tunebook.settings.schema import DecodingSettings
from tunebook.training.batches import padded
from tunebook.training.loss import by_length


def generation_config(base: Base, decoding: DecodingSettings) -> Any:
    """Greedy or beam search; of the model's own generation settings only its token ids count."""
    from transformers import GenerationConfig

    own = base.model.generation_config
    ids = {
        name: getattr(own, name, None)
        for name in ("bos_token_id", "eos_token_id", "decoder_start_token_id",
                     "forced_bos_token_id", "forced_eos_token_id")
    }  # fmt: skip
    ids["eos_token_id"] = _stop_ids(ids["eos_token_id"], base.tokenizer.eos_token_id)
    return GenerationConfig(
        **ids,
        pad_token_id=base.tokenizer.pad_token_id,
        max_new_tokens=decoding.max_new_tokens,
        num_beams=decoding.num_beams,
        length_penalty=decoding.length_penalty,
        no_repeat_ngram_size=decoding.no_repeat_ngram_size,
        do_sample=False,
    )


def _stop_ids(own: int | list[int] | None, tokenizers: int) -> list[int]:
    listed = own if isinstance(own, list) else [] if own is None else [own]
    return sorted({*listed, tokenizers})


@torch.no_grad()
def generate(
    model: Any, base: Base, sources: Sequence[Sequence[int]], decoding: DecodingSettings,
    progress: Callable[[int], object] = lambda _: None,
) -> list[str]:  # fmt: skip
    """The decoded text for each source, in order. `progress` is told how many more are done."""
    was_training = model.training
    model.eval()
    decode = _decoder(model, base, generation_config(base, decoding))
    texts = [""] * len(sources)
    for indices in by_length([len(source) for source in sources], decoding.batch_size):
        ids = decode([sources[i] for i in indices])
        for i, row in zip(indices, ids.tolist(), strict=True):
            texts[i] = text_of(base.tokenizer, row)
        progress(len(indices))
    model.train(was_training)
    return texts


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """Generated ids as text, without special tokens and outer white space."""
    decoded = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return decoded.strip()


Decode = Callable[[list[Sequence[int]]], torch.Tensor]
"""From source ids to new tokens alone, int64 (rows, new tokens)."""


def _decoder(model: Any, base: Base, config: Any) -> Decode:
    """How this model decodes a batch. What all batches share is computed here, once."""
    decoder_only = base.facts.family == "decoder-only"

    def inputs(sources: list[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        ids = padded(sources, base.tokenizer.pad_token_id, left=decoder_only)
        mask = padded([[1] * len(source) for source in sources], 0, left=decoder_only)
        return ids.to(base.model.device), mask.to(base.model.device)

    if decoder_only and _has_soft_prompt(model):
        return _behind_soft_prompt(model, inputs, config)

    def decode(sources: list[Sequence[int]]) -> torch.Tensor:
        ids, mask = inputs(sources)
        made = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
        return made[:, ids.shape[1] :] if decoder_only else made

    return decode


def _has_soft_prompt(model: Any) -> bool:
    config = getattr(model, "active_peft_config", None)
    return config is not None and config.peft_type.value == "PROMPT_TUNING"


def _behind_soft_prompt(model: Any, inputs: Any, config: Any) -> Decode:
    """With the prompt's keys and values as every row's cache; where a model has no such cache, with
    the prompt's vectors in front of every row's text."""
    from tunebook.methods.parts.shared import behind_prompt, cannot_share, expanded, prompt_cache

    base = model.get_base_model()
    if cannot_share(model):
        return _behind_vectors(model, inputs, config)
    cache, virtual = prompt_cache(model), model.active_peft_config.num_virtual_tokens

    def decode(sources: list[Sequence[int]]) -> torch.Tensor:
        ids, mask = inputs(sources)
        made = base.generate(
            input_ids=ids,
            attention_mask=behind_prompt(mask, virtual),
            past_key_values=expanded(cache, len(ids) * config.num_beams),
            generation_config=config,
        )
        return made[:, ids.shape[1] :]

    return decode


def _behind_vectors(model: Any, inputs: Any, config: Any) -> Decode:
    def decode(sources: list[Sequence[int]]) -> torch.Tensor:
        embedded, mask = _embedded(model, *inputs(sources))
        return model.get_base_model().generate(
            inputs_embeds=embedded, attention_mask=mask, generation_config=config
        )

    return decode


def _embedded(
    model: Any, ids: torch.Tensor, mask: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """[pad][virtual][text]: embeddings (rows, length, width) and their mask (rows, length)."""
    words = model.get_input_embeddings()(ids)
    prompt = model.get_prompt(batch_size=1)[0].to(words.dtype)
    virtual, rows, length = len(prompt), *ids.shape
    embedded = words.new_zeros(rows, virtual + length, words.shape[-1])
    whole = mask.new_zeros(rows, virtual + length)
    for i, tokens in enumerate(mask.sum(dim=1).tolist()):
        embedded[i, -tokens:] = words[i, -tokens:]
        embedded[i, -tokens - virtual : -tokens] = prompt
        whole[i, -tokens - virtual :] = 1
    return embedded, whole
