"""Greedy search in which a row that has ended makes room for one that waits.

transformers' `generate` computes every row of a batch until the last one ends. Here the last of the
rows still going takes the place of one that has ended, so that only rows still going are computed,
and rows that wait may join (rows.py).
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from transformers import GenerationConfig
from transformers.cache_utils import EncoderDecoderCache

from tunebook.engine.batches import Ids, behind
from tunebook.engine.kinds import PLAIN, PREFIX, SOFT, base_of, changes_layers_alone, kind_of
from tunebook.engine.plain import left_out
from tunebook.engine.probe import REFUSALS
from tunebook.engine.prompt import (
    NEEDED,
    cannot_read_prompt,
    layers_of,
    learned_cache,
    why_no_plain_cache,
)
from tunebook.engine.rows import DecoderRows, EncodedRows, Prompt
from tunebook.engine.stock import inputs
from tunebook.engine.ways import STEPS, MakeWay, Progress, Tried, Way
from tunebook.models.base import Base

GREEDY = "greedy"


def why_not_greedy(model: Any, base: Base, config: GenerationConfig) -> str:
    """Why decoding must be left to transformers; empty where our own greedy search is the same."""
    if asked := beyond_greedy(config) or left_out(GREEDY):
        return asked
    if kind_of(model) not in (PLAIN, SOFT, PREFIX) and not changes_layers_alone(model):
        return f"PEFT puts {kind_of(model)} into its own generate"
    return _why_no_room(base_of(model), base)


def beyond_greedy(config: GenerationConfig) -> str:
    """What a search by the most probable next token alone does not do; else empty."""
    if config.num_beams > 1:
        return "beam search"
    if config.no_repeat_ngram_size:
        return "no_repeat_ngram_size"
    for name in ("forced_bos_token_id", "forced_eos_token_id"):
        if getattr(config, name) is not None:
            return f"the model sets {name}"
    return ""


def _why_no_room(whole: Any, base: Base) -> str:
    """Why the model's keys and values cannot be kept in a cache of ours."""
    name, decoder_only = type(whole).__name__, base.facts.family == "decoder-only"
    taken = inspect.signature(whole.forward).parameters
    needed = NEEDED if decoder_only else ("encoder_outputs", "past_key_values")
    if missing := [one for one in needed if one not in taken]:
        return f"{name} takes no {missing[0]}"
    words = torch.tensor([[base.tokenizer.eos_token_id]], device=whole.device)
    more = {} if decoder_only else {"decoder_input_ids": words}
    try:
        read = whole(input_ids=words, use_cache=True, **more)
    except REFUSALS:
        return f"{name} keeps no cache when it is asked to"
    cache = getattr(read, "past_key_values", None)
    if decoder_only:
        return why_no_plain_cache(whole, cache)
    if not isinstance(cache, EncoderDecoderCache):
        return f"{name} has a cache of its own kind"
    return why_no_plain_cache(whole, cache.self_attention_cache)


def greedy_ways(model: Any, base: Base, config: GenerationConfig, size: int) -> list[MakeWay]:
    """Behind a prompt where all rows can read the one; else with a copy of it a row."""
    if base.facts.family == "encoder-decoder":
        return [lambda: Encoded(GREEDY, size, model, base, config)]

    def behind_shared() -> Way:
        if reason := cannot_read_prompt(base_of(model), cache := learned_cache(model)):
            raise ValueError(reason)
        return Joining(GREEDY, size, model, base, config, Prompt(layers_of(cache), is_shared=True))

    def behind_copies() -> Way:
        prompt = Prompt(layers_of(learned_cache(model)))
        return Joining(GREEDY, size, model, base, config, prompt)

    shares = kind_of(model) in (SOFT, PREFIX)
    return [behind_shared, behind_copies] if shares else [behind_copies]


@dataclass
class Greedy(Way):
    """Our own search."""

    model: Any
    base: Base
    config: GenerationConfig

    @abstractmethod
    def rows(self, sources: Ids, size: int, limit: int) -> Rows:
        """`sources`, of which `size` are going at once, as rows that end after `limit` tokens."""

    def read(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """See Way; each row is told as it ends."""
        limit, ends = self.config.max_new_tokens, set(self.config.eos_token_id)
        return search(self.rows(sources, self.size, limit), limit, ends, progress)

    def attempt(self, sources: Ids) -> Tried:
        """See Way."""
        heard: list[torch.Tensor] = []
        rows = self.rows(sources, len(sources), STEPS)
        return search(rows, STEPS, (), heard=heard.append), torch.stack(heard, dim=1)


@dataclass
class Joining(Greedy):
    """Of a decoder-only model: rows that wait join those that are going."""

    prompt: Prompt

    def decode(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """See Way."""
        return self.read(sources, progress)

    def rows(self, sources: Ids, size: int, limit: int) -> Rows:
        """See Greedy."""
        pad = self.base.tokenizer.pad_token_id
        return DecoderRows(base_of(self.model), sources, pad, size, limit, self.prompt)


@dataclass
class Encoded(Greedy):
    """Of an encoder-decoder model: rows come in batches."""

    def __post_init__(self) -> None:
        kind = kind_of(self.model)
        self.vectors = self.model.get_prompt(1) if kind == SOFT else None
        cache = self.model.get_prompt(1).self_attention_cache if kind == PREFIX else None
        self.prompt = Prompt(layers_of(cache))

    def rows(self, sources: Ids, size: int, limit: int) -> Rows:
        """See Greedy."""
        model, text = base_of(self.model), inputs(self.base, sources)
        mask = text["attention_mask"]
        if self.vectors is not None:
            words = model.get_input_embeddings()(text.pop("input_ids"))
            vectors = self.vectors.to(words.dtype).expand(len(words), -1, -1)
            mask = behind(self.vectors.shape[1], mask)
            text = {"inputs_embeds": torch.cat([vectors, words], dim=1), "attention_mask": mask}
        read = model.get_encoder()(**text).last_hidden_state
        begin = self.config.decoder_start_token_id
        return EncodedRows(model, (read, mask), limit, begin, self.prompt)


class Rows(Protocol):
    """Rows as a model reads them on; those that are going stand in front."""

    def come(self) -> torch.Tensor | None:
        """Logits for the first new token of rows that join behind the others, (rows, vocabulary).

        None where none waits, or too few have left.
        """

    def behind(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits behind these tokens, int64 (rows,), one for each row going."""

    def leave(self, to: list[int], rows: list[int], left: int) -> None:
        """Row `rows[i]` takes the place `to[i]`; the first `left` rows stay."""


@torch.no_grad()
def search(
    rows: Rows,
    limit: int,
    ends: Collection[int],
    ended: Progress = lambda _: None,
    heard: Callable[[torch.Tensor], object] = lambda _: None,
) -> list[list[int]]:
    """The most probable next token again and again: new tokens of each row, its end included.

    A row ends with one of `ends`, or after `limit` tokens; `ended` is told of how many more. Rows
    are in the order in which they came. `heard` gets the logits (rows, vocabulary) of each step.
    """
    found: list[list[int]] = []
    going: list[int] = []
    tokens = torch.empty(0, dtype=torch.long)
    while True:
        stay = [found[row][-1] not in ends and len(found[row]) < limit for row in going]
        if not all(stay):
            to, last, left = _close_ranks(stay)
            rows.leave(to, last, left)
            ended(len(going) - left)
            tokens[to], going = tokens[last], _moved(going, to, last, left)
            tokens = tokens[:left]
        logits = rows.come()
        if logits is not None:
            heard(logits)
            new = logits.float().argmax(dim=-1)
            going += range(len(found), len(found) + len(new))
            found += [[token] for token in new.tolist()]
            tokens = torch.cat([tokens.to(new.device), new])
        elif going:
            heard(logits := rows.behind(tokens))
            tokens = logits.float().argmax(dim=-1)
            for row, token in zip(going, tokens.tolist(), strict=True):
                found[row].append(token)
        else:
            return found


def _close_ranks(stay: list[bool]) -> tuple[list[int], list[int], int]:
    """Places to fill, the rows that fill them, and how many rows are left."""
    left = sum(stay)
    to = [place for place in range(left) if not stay[place]]
    return to, [place for place in range(left, len(stay)) if stay[place]], left


def _moved(going: list[int], to: list[int], last: list[int], left: int) -> list[int]:
    for place, row in zip(to, last, strict=True):
        going[place] = going[row]
    return going[:left]
