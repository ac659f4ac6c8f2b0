"""Batched generation in which padding never changes an answer.

PEFT lays a left-padded batch of a decoder-only model out as [virtual][pad][text] and numbers the
positions through the padding. Here positions are counted from the mask, so that each row is what
it would be alone, and a soft prompt is computed once for all batches. Greedy search is our own
(greedy.py); beams and what else it does not know are left to transformers.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers.cache_utils import EncoderDecoderCache

from tunebook.counting import counted
from tunebook.engine.apart import ALONE, EQUAL, LENGTHS, REFUSALS, TOGETHER, evaluating, name_of
from tunebook.engine.greedy import DecoderRows, EncodedRows, search
from tunebook.engine.greedy import Rows as GoingRows
from tunebook.engine.kinds import (
    PLAIN,
    PREFIX,
    SOFT,
    base_of,
    changes_layers_alone,
    kind_of,
)
from tunebook.engine.padding import padded
from tunebook.engine.shared import (
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
from tunebook.engine.ways import (
    STEPS,
    Chosen,
    Sources,
    Tick,
    Tried,
    Way,
    choose,
    reread,
)
from tunebook.errors import Problem, RequestError
from tunebook.models.base import Base, Say
from tunebook.models.special_tokens import SpecialTokens
from tunebook.schema import DecodingSettings


def generation_config(base: Base, decoding: DecodingSettings) -> Any:
    """Greedy or beam search; of the model's own generation settings only its token ids count."""
    from transformers import GenerationConfig

    own = base.model.generation_config
    ids = {
        name: getattr(own, name, None)
        for name in ("bos_token_id", "eos_token_id", "decoder_start_token_id",
                     "forced_bos_token_id", "forced_eos_token_id")
    }  # fmt: skip
    if base.special:
        ids["decoder_start_token_id"] = base.special.start
        ids["forced_bos_token_id"] = base.special.forced
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
    if not sources:
        return []
    longest = max(map(len, sources)) + decoding.max_new_tokens
    with evaluating(model):
        decode = _decoder(model, base, decoding, longest, say).decode
        order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
        made = decode([sources[i] for i in order], progress)
    texts = {
        i: text_of(base.tokenizer, row, base.special) for i, row in zip(order, made, strict=True)
    }
    return [texts[i] for i in range(len(sources))]


@torch.no_grad()
def check_decoding(model: Any, base: Base, decoding: DecodingSettings) -> None:
    """Raise RequestError where no way to decode that these settings ask for is right."""
    with evaluating(model):
        _decoder(model, base, decoding, LENGTHS[0] + STEPS, lambda _: None)


@torch.no_grad()
def padding_matters(model: Any, base: Base, decoding: DecodingSettings, longest: int) -> bool:
    """Whether rows of up to `longest` tokens cannot be padded when they are answered."""
    with evaluating(model):
        return _decoder(model, base, decoding, longest, lambda _: None).rows != TOGETHER


def text_of(tokenizer: Any, ids: Sequence[int], special: SpecialTokens | None = None) -> str:
    """Generated ids as text, without special tokens and outer white space."""
    forced = special.forced if special else None  # M2M100's languages are no special tokens to it.
    decoded = tokenizer.decode(
        [id_ for id_ in ids if id_ != forced],
        skip_special_tokens=True,
        clean_up_tokenization_spaces=False,
    )
    return decoded.strip()


def _decoder(model: Any, base: Base, decoding: DecodingSettings, longest: int, say: Say) -> Chosen:
    """How this model decodes; what all rows share is computed here, once.

    Raises RequestError where only greedy search would be right and another one is asked for.
    """
    config, size = generation_config(base, decoding), decoding.batch_size
    reason = why_not_greedy(model, base, config)
    ours = [] if reason else _greedy_ways(model, base, config, size)
    theirs = functools.partial(_by_transformers, model, base, config, size)
    chosen = choose([*ours, theirs], model, longest, last=lambda: _anew(model, base, config, size))
    say(_described(chosen, size, reason))
    return chosen


def _anew(model: Any, base: Base, config: Any, size: int) -> Way:
    if asked := _beyond_greedy(config):
        what = f"{asked} needs transformers' generate, which is wrong for {name_of(base.model)}"
        raise RequestError(Problem("decoding", what, "Leave decoding at its defaults."))
    return reread(model, size, config.max_new_tokens, set(config.eos_token_id))


def _described(chosen: Chosen, size: int, reason: str) -> str:
    """What is done and why, in one line."""
    at_once = "1 row" if chosen.rows == ALONE else counted(size, "row")
    at_once += " of equal length" * (chosen.rows == EQUAL)
    apart = "padding would change the answers" if chosen.rows != TOGETHER else ""
    if chosen.way.name == GREEDY:
        words = f"greedy, {at_once} at once; a row that has ended makes room"
        return f"decoding: {words}" + f" ({apart})" * bool(apart)
    why = "; ".join(filter(None, (reason or "; ".join(chosen.reasons), apart)))
    return f"decoding: {chosen.way.name}, {at_once} at once ({why})"


def why_not_greedy(model: Any, base: Base, config: Any) -> str:
    """Why decoding must be left to transformers; empty where our own greedy search is the same."""
    if asked := _beyond_greedy(config):
        return asked
    if kind_of(model) not in (PLAIN, SOFT, PREFIX) and not changes_layers_alone(model):
        return f"PEFT puts {kind_of(model)} into its own generate"
    return _why_no_room(model, base)


FORCED = ("forced_bos_token_id", "forced_eos_token_id")
GREEDY, GENERATE = "greedy", "transformers' generate"


def _beyond_greedy(config: Any) -> str:
    """What a search by the most probable next token alone does not do; else empty."""
    if config.num_beams > 1:
        return "beam search"
    if config.no_repeat_ngram_size:
        return "no_repeat_ngram_size"
    if forced := [name for name in FORCED if getattr(config, name) is not None]:
        return f"the model sets {forced[0]}"
    return ""


def _why_no_room(model: Any, base: Base) -> str:
    """Why the model's keys and values cannot be kept in a cache of ours."""
    whole = base_of(model)
    taken = inspect.signature(whole.forward).parameters
    needed = NEEDED if base.facts.family == "decoder-only" else ("encoder_outputs",)
    if missing := [name for name in (*needed, "past_key_values") if name not in taken]:
        return f"{type(whole).__name__} takes no {missing[0]}"
    words = torch.tensor([[base.tokenizer.eos_token_id]], device=whole.device)
    more = {} if base.facts.family == "decoder-only" else {"decoder_input_ids": words}
    try:
        read = whole(input_ids=words, use_cache=True, **more)
    except REFUSALS:
        return f"{type(whole).__name__} keeps no cache when it is asked to"
    cache = getattr(read, "past_key_values", None)
    if base.facts.family == "decoder-only":
        return why_no_plain_cache(whole, cache)
    if not isinstance(cache, EncoderDecoderCache):
        return f"{type(whole).__name__} has a cache of its own kind"
    return why_no_plain_cache(whole, cache.self_attention_cache)


def _inputs(base: Base, sources: Sources) -> tuple[torch.Tensor, torch.Tensor]:
    """ids and mask, int64 (rows, length); a decoder-only model's are padded on the left."""
    left = base.facts.family == "decoder-only"
    ids = padded(sources, base.tokenizer.pad_token_id, left=left)
    mask = padded([[1] * len(source) for source in sources], 0, left=left)
    return ids.to(base.model.device), mask.to(base.model.device)


def _greedy_ways(model: Any, base: Base, config: Any, size: int) -> list[Callable[[], Way]]:
    """Behind a front where all rows can read it; else with a copy of it a row."""
    if base.facts.family == "encoder-decoder":
        return [lambda: _greedy(_encoded_rows(model, base, config), config, size)]

    def behind_front() -> Way:
        if reason := cannot_read_front(base_of(model), cache := front_cache(model)):
            raise ValueError(reason)
        return _greedy(_decoder_rows(model, base, front=layers_of(cache)), config, size, joins=True)

    def behind_copies() -> Way:
        cache = front_cache(model)
        copied = layers_of(cache) if cache is not None else ()
        return _greedy(_decoder_rows(model, base, copied=copied), config, size, joins=True)

    return (
        [behind_copies] if kind_of(model) not in (SOFT, PREFIX) else [behind_front, behind_copies]
    )


MakeRows = Callable[[Sources, int, int], GoingRows]
"""From sources, how many are going at once and the most tokens of each, to rows to search with."""


def _greedy(rows: MakeRows, config: Any, size: int, *, joins: bool = False) -> Way:
    """Our own search; rows that wait join where they can, else come in batches."""
    limit, ends = config.max_new_tokens, set(config.eos_token_id)

    def decode(sources: Sources, tick: Tick) -> list[list[int]]:
        made: list[list[int]] = []
        step = len(sources) if joins else size
        for start in range(0, len(sources), step):
            made += search(rows(sources[start : start + step], size, limit), limit, ends, tick)
        return made

    def attempt(sources: Sources) -> Tried:
        heard: list[torch.Tensor] = []
        some = rows(sources, len(sources), STEPS)
        return search(some, STEPS, (), heard=heard.append), torch.stack(heard, dim=1)

    return Way(GREEDY, decode, attempt)


def _decoder_rows(model: Any, base: Base, front: Any = None, copied: Any = ()) -> MakeRows:
    def rows(sources: Sources, size: int, limit: int) -> GoingRows:
        pad = base.tokenizer.pad_token_id
        return DecoderRows(base_of(model), sources, pad, size, limit, front, copied)

    return rows


def _encoded_rows(model: Any, base: Base, config: Any) -> MakeRows:
    whole = base_of(model)
    prompt = model.get_prompt(1) if kind_of(model) == SOFT else None
    cache = model.get_prompt(1) if kind_of(model) == PREFIX else None

    def rows(sources: Sources, size: int, limit: int) -> GoingRows:
        ids, mask = _inputs(base, sources)
        text: dict[str, torch.Tensor] = {"input_ids": ids}
        if prompt is not None:
            words = whole.get_input_embeddings()(ids)
            in_front = prompt.to(words.dtype).expand(len(ids), -1, -1)
            text = {"inputs_embeds": torch.cat([in_front, words], dim=1)}
            mask = behind_prompt(mask, prompt.shape[1])
        read = whole.get_encoder()(**text, attention_mask=mask).last_hidden_state
        start = layers_of(expanded(cache.self_attention_cache, len(ids))) if cache else ()
        return EncodedRows(whole, (read, mask), limit, config.decoder_start_token_id, start)

    return rows


def _by_transformers(model: Any, base: Base, config: Any, size: int) -> Way:
    if base.facts.family == "decoder-only" and kind_of(model) == SOFT:
        generate = _behind_soft_prompt(model)
    else:

        def generate(ids: torch.Tensor, mask: torch.Tensor, config: Any) -> Any:
            return model.generate(input_ids=ids, attention_mask=mask, generation_config=config)

    def made_of(sources: Sources, config: Any) -> Any:
        with ids_alone(base_of(model)):
            return generate(*_inputs(base, sources), config)

    def decode(sources: Sources, tick: Tick) -> list[list[int]]:
        made: list[list[int]] = []
        for start in range(0, len(sources), size):
            some = sources[start : start + size]
            made += _new_tokens(made_of(some, config), model, base, some)
            tick(len(some))
        return made

    def attempt(sources: Sources) -> Tried:
        found = made_of(sources, _to_try(config))
        return found.sequences[:, -STEPS:].tolist(), torch.stack(found.logits, dim=1)

    return Way(GENERATE, decode, attempt)


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


def _new_tokens(made: torch.Tensor, model: Any, base: Base, sources: Sources) -> list[list[int]]:
    """Without the texts, where what was read stands in front of them."""
    reads_vectors = kind_of(model) == SOFT and cannot_share(model)
    if base.facts.family == "decoder-only" and not reads_vectors:
        made = made[:, len(sources[0]) :]
    rows: list[list[int]] = made.tolist()
    return rows


def _to_try(config: Any) -> Any:
    """A few tokens of each row, and their logits."""
    from transformers import GenerationConfig

    return GenerationConfig(
        pad_token_id=config.pad_token_id, bos_token_id=config.bos_token_id,
        decoder_start_token_id=config.decoder_start_token_id, max_new_tokens=STEPS,
        num_beams=1, do_sample=False, output_logits=True, return_dict_in_generate=True,
    )  # fmt: skip


def _behind_soft_prompt(model: Any) -> Any:
    """With the prompt's keys and values as every row's cache; where a model has no such cache, with
    the prompt's vectors in front of every row's text."""
    base = model.get_base_model()
    if cannot_share(model):
        return functools.partial(_behind_vectors, model)
    cache, virtual = prompt_cache(model), model.active_peft_config.num_virtual_tokens

    def generate(ids: torch.Tensor, mask: torch.Tensor, config: Any) -> Any:
        return base.generate(
            input_ids=ids,
            attention_mask=behind_prompt(mask, virtual),
            past_key_values=expanded(cache, len(ids) * config.num_beams),
            generation_config=config,
        )

    return generate


def _behind_vectors(model: Any, ids: torch.Tensor, mask: torch.Tensor, config: Any) -> Any:
    embedded, whole = _embedded(model, ids, mask)
    return model.get_base_model().generate(
        inputs_embeds=embedded, attention_mask=whole, generation_config=config
    )


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
