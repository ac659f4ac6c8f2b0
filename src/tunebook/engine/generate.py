"""Batched generation in which padding never changes an answer.

PEFT lays a left-padded batch of a decoder-only model out as [virtual][pad][text] and numbers the
positions through the padding. Here positions are counted from the mask, so that each row is what
it would be alone, and a soft prompt is computed once for all batches. Greedy search is our own
(greedy.py); beams and what else it does not know are left to transformers (stock.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import GenerationConfig

from tunebook.counting import counted
from tunebook.engine.apart import ALONE, EQUAL, TOGETHER
from tunebook.engine.batches import Ids, by_length
from tunebook.engine.greedy import GREEDY, beyond_greedy, greedy_ways, why_not_greedy
from tunebook.engine.probe import LENGTHS, evaluating, name_of
from tunebook.engine.stock import Stock
from tunebook.engine.ways import STEPS, Chosen, Progress, Reread, Way, choose
from tunebook.errors import Problem, RequestError
from tunebook.models.base import Base, Say
from tunebook.models.special_tokens import SpecialTokens
from tunebook.schema import DecodingSettings

TOKEN_IDS = (
    "bos_token_id",
    "eos_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
)


def generation_config(base: Base, decoding: DecodingSettings) -> GenerationConfig:
    """Greedy or beam search; of the model's own generation settings only its token ids count."""
    own = base.model.generation_config
    ids = {name: getattr(own, name, None) for name in TOKEN_IDS}
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
    model: Any,
    base: Base,
    sources: Ids,
    decoding: DecodingSettings,
    progress: Progress = lambda _: None,
    say: Say = lambda _: None,
) -> list[str]:
    """The decoded text for each source, in order.

    `progress` is told how many more are done, `say` which way of decoding is taken and why.
    """
    if not sources:
        return []
    longest = max(map(len, sources)) + decoding.max_new_tokens
    with evaluating(model):
        decode = _decoder(model, base, decoding, longest, say).decode
        (order,) = by_length([len(source) for source in sources], len(sources))
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

    def theirs() -> Way:
        return Stock("transformers' generate", size, model, base, config)

    def anew() -> Way:
        if asked := beyond_greedy(config):
            what = f"{asked} needs transformers' generate, which is wrong for {name_of(base.model)}"
            raise RequestError(Problem("decoding", what, "Leave decoding at its defaults."))
        name, ends = "the whole text is read anew for each token", set(config.eos_token_id)
        return Reread(name, size, model, config.max_new_tokens, ends)

    reason = why_not_greedy(model, base, config)
    ours = [] if reason else greedy_ways(model, base, config, size)
    chosen = choose([*ours, theirs], model, longest, last=anew)
    say(_described(chosen, size, reason))
    return chosen


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
