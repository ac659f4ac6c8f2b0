"""Batched generation in which padding never changes an answer.

PEFT lays a left-padded batch of a decoder-only model out as [virtual][pad][text] and numbers the
positions through the padding. Here positions are counted from the mask, so that each row is what
it would be alone, and a soft prompt is computed once for all batches. Greedy search is our own
(greedy.py); beams and what else it does not know are left to transformers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers.cache_utils import EncoderDecoderCache

from tunebook.counting import counted
from tunebook.decoding.greedy import DecoderRows, EncodedRows, search
from tunebook.methods.parts.kinds import (
    PLAIN,
    PREFIX,
    SOFT,
    base_of,
    changes_layers_alone,
    kind_of,
)
from tunebook.methods.parts.shared import (
    NEEDED,
    behind_prompt,
    cannot_read_front,
    cannot_share,
    expanded,
    front_cache,
    layers_of,
    prompt_cache,
    why_no_plain_cache,
)
from tunebook.models.base import Base, Say
from tunebook.settings.schema import DecodingSettings
from tunebook.training.batches import padded


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
    progress: Callable[[int], object] = lambda _: None, say: Say = lambda _: None,
) -> list[str]:  # fmt: skip
    """The decoded text for each source, in order.

    `progress` is told how many more are done, `say` which way of decoding is taken and why.
    """
    was_training = model.training
    model.eval()
    decode = _decoder(model, base, decoding, say)
    order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
    made = decode([sources[i] for i in order], progress)
    model.train(was_training)
    texts = {i: text_of(base.tokenizer, row) for i, row in zip(order, made, strict=True)}
    return [texts[i] for i in range(len(sources))]


def text_of(tokenizer: Any, ids: Sequence[int]) -> str:
    """Generated ids as text, without special tokens and outer white space."""
    decoded = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return decoded.strip()


Sources = list[Sequence[int]]
Batch = Callable[[Sources], list[list[int]]]
Tick = Callable[[int], object]
Decode = Callable[[Sources, Tick], list[list[int]]]
"""From source ids, the longest first, to new tokens alone; the tick is told how many more."""


def _decoder(model: Any, base: Base, decoding: DecodingSettings, say: Say) -> Decode:
    """How this model decodes; what all rows share is computed here, once."""
    config, size = generation_config(base, decoding), decoding.batch_size
    if reason := why_not_greedy(model, base, config):
        say(f"decoding: transformers' generate, {counted(size, 'row')} at once ({reason})")
        return _in_batches(_by_transformers(model, base, config), size)
    say(f"decoding: greedy, {counted(size, 'row')} at once; a row that has ended makes room")
    if base.facts.family == "decoder-only":
        return _greedy_decoder_only(model, base, config, size)
    return _in_batches(_greedy_encoder_decoder(model, base, config), size)


def _in_batches(decode: Batch, size: int) -> Decode:
    def decode_all(sources: Sources, tick: Tick) -> list[list[int]]:
        made: list[list[int]] = []
        for start in range(0, len(sources), size):
            some = decode(sources[start : start + size])
            made += some
            tick(len(some))
        return made

    return decode_all


def why_not_greedy(model: Any, base: Base, config: Any) -> str:
    """Why decoding must be left to transformers; empty where our own greedy search is the same."""
    if config.num_beams > 1:
        return "beam search"
    if config.no_repeat_ngram_size:
        return "no_repeat_ngram_size"
    if forced := [name for name in FORCED if getattr(config, name) is not None]:
        return f"the model sets {forced[0]}"
    if kind_of(model) not in (PLAIN, SOFT, PREFIX) and not changes_layers_alone(model):
        return f"PEFT puts {kind_of(model)} into its own generate"
    return _why_no_room(model, base)


FORCED = ("forced_bos_token_id", "forced_eos_token_id")


def _why_no_room(model: Any, base: Base) -> str:
    """Why the model's keys and values cannot be kept in a cache of ours."""
    whole = base_of(model)
    taken = inspect.signature(whole.forward).parameters
    needed = NEEDED if base.facts.family == "decoder-only" else ("encoder_outputs",)
    if missing := [name for name in (*needed, "past_key_values") if name not in taken]:
        return f"{type(whole).__name__} takes no {missing[0]}"
    words = torch.tensor([[base.tokenizer.eos_token_id]], device=whole.device)
    if base.facts.family == "decoder-only":
        return why_no_plain_cache(whole, whole(input_ids=words, use_cache=True).past_key_values)
    cache = whole(input_ids=words, decoder_input_ids=words, use_cache=True).past_key_values
    if not isinstance(cache, EncoderDecoderCache):
        return f"{type(whole).__name__} has a cache of its own kind"
    return why_no_plain_cache(whole, cache.self_attention_cache)


def _inputs(base: Base, sources: Sources) -> tuple[torch.Tensor, torch.Tensor]:
    """ids and mask, int64 (rows, length); a decoder-only model's are padded on the left."""
    left = base.facts.family == "decoder-only"
    ids = padded(sources, base.tokenizer.pad_token_id, left=left)
    mask = padded([[1] * len(source) for source in sources], 0, left=left)
    return ids.to(base.model.device), mask.to(base.model.device)


def _greedy_decoder_only(model: Any, base: Base, config: Any, size: int) -> Decode:
    """Behind a front where all rows can read it; else with a copy of it a row."""
    whole, limit, ends = base_of(model), config.max_new_tokens, set(config.eos_token_id)
    cache = front_cache(model)
    layers = [] if cache is None else layers_of(cache)
    shared = cache is not None and not cannot_read_front(whole, cache)

    def decode(sources: Sources, tick: Tick) -> list[list[int]]:
        front, copied = (layers, ()) if shared else (None, layers)
        rows = DecoderRows(whole, sources, base.tokenizer.pad_token_id, size, limit, front, copied)
        return search(rows, limit, ends, tick)

    return decode


def _greedy_encoder_decoder(model: Any, base: Base, config: Any) -> Batch:
    whole, limit, ends = base_of(model), config.max_new_tokens, set(config.eos_token_id)
    prompt = model.get_prompt(1) if kind_of(model) == SOFT else None
    cache = model.get_prompt(1) if kind_of(model) == PREFIX else None

    def decode(sources: Sources) -> list[list[int]]:
        ids, mask = _inputs(base, sources)
        text: dict[str, torch.Tensor] = {"input_ids": ids}
        if prompt is not None:
            words = whole.get_input_embeddings()(ids)
            in_front = prompt.to(words.dtype).expand(len(ids), -1, -1)
            text = {"inputs_embeds": torch.cat([in_front, words], dim=1)}
            mask = behind_prompt(mask, prompt.shape[1])
        read = whole.get_encoder()(**text, attention_mask=mask).last_hidden_state
        start = layers_of(expanded(cache.self_attention_cache, len(ids))) if cache else ()
        rows = EncodedRows(whole, (read, mask), limit, config.decoder_start_token_id, start)
        return search(rows, limit, ends)

    return decode


def _by_transformers(model: Any, base: Base, config: Any) -> Batch:
    decoder_only = base.facts.family == "decoder-only"
    if decoder_only and kind_of(model) == SOFT:
        made_of = _behind_soft_prompt(model, config)
    else:

        def made_of(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            made = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
            return made[:, ids.shape[1] :] if decoder_only else made

    def decode(sources: Sources) -> list[list[int]]:
        with ids_alone(base_of(model)):
            return made_of(*_inputs(base, sources)).tolist()

    return decode


@contextmanager
def ids_alone(model: Any) -> Iterator[None]:
    """Without the model's own generation settings, which transformers puts wherever ours has none:
    penalties, suppressed tokens, lengths."""
    from transformers import GenerationConfig

    own, model.generation_config = model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _behind_soft_prompt(model: Any, config: Any) -> Any:
    """With the prompt's keys and values as every row's cache; where a model has no such cache, with
    the prompt's vectors in front of every row's text."""
    base = model.get_base_model()
    if cannot_share(model):
        return _behind_vectors(model, config)
    cache, virtual = prompt_cache(model), model.active_peft_config.num_virtual_tokens

    def made_of(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        made = base.generate(
            input_ids=ids,
            attention_mask=behind_prompt(mask, virtual),
            past_key_values=expanded(cache, len(ids) * config.num_beams),
            generation_config=config,
        )
        return made[:, ids.shape[1] :]

    return made_of


def _behind_vectors(model: Any, config: Any) -> Any:
    def made_of(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        embedded, whole = _embedded(model, ids, mask)
        return model.get_base_model().generate(
            inputs_embeds=embedded, attention_mask=whole, generation_config=config
        )

    return made_of


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
