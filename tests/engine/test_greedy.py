"""Our greedy search gives the tokens of transformers' own, and rows leave and join on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from tests.engine.bases_and_prompts import prefix, soft_prompts, sources
from tunebook.counting import counted
from tunebook.engine import generate, generation_config, text_of
from tunebook.engine.greedy import search, why_not_greedy
from tunebook.engine.rows import DecoderRows
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings

ROWS, NEW = 40, 12
ENDS = 0.2
"""The share of the vocabulary that ends a text, so that rows end apart."""


@pytest.fixture
def ending(base_of: Callable[[str], Base]) -> Iterator[Callable[[str], Base]]:
    """Bases whose texts end early."""
    changed: list[tuple[Any, Any]] = []

    def get(name: str) -> Base:
        base = base_of(name)
        settings = base.model.generation_config
        changed.append((settings, settings.eos_token_id))
        words = len(base.model.get_input_embeddings().weight)
        settings.eos_token_id = list(range(1, words, round(1 / ENDS)))
        return base

    yield get
    for settings, own in changed:
        settings.eos_token_id = own


def with_prompt(base: Base, kind: str) -> Any:
    """The base itself, or behind a prompt or prefix, or with LoRA inside."""
    if kind == "soft":
        return soft_prompts(base, (5,))[0]
    if kind == "prefix":
        return prefix(base, 6)
    return base.model


def stock(model: Any, base: Base, source: list[int], decoding: DecodingSettings) -> list[int]:
    """transformers' own greedy search, one row at a time."""
    ids = torch.tensor([source])
    made = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        generation_config=generation_config(base, decoding),
    )[0]
    behind = made[len(source) :] if made[: len(source)].tolist() == source else made
    return behind.tolist()


@pytest.fixture(scope="module")
def stock_texts() -> Callable[[Base, str, str], list[str]]:
    """The texts of stock decoding of a case, row by row, decoded once for all batch sizes."""
    made: dict[tuple[str, str], list[str]] = {}

    def texts(base: Base, name: str, kind: str) -> list[str]:
        if (name, kind) not in made:
            model, decoding = with_prompt(base, kind), DecodingSettings(max_new_tokens=NEW)
            rows = [stock(model, base, source, decoding) for source in sources(base, ROWS, 1)[0]]
            made[name, kind] = [text_of(base.tokenizer, row) for row in rows]
        return made[name, kind]

    return texts


CASES = [(name, kind) for name in ("llama", "gpt2", "tiny_llama", "t5", "bart")
         for kind in ("plain", "soft", "prefix")]  # fmt: skip


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.slow), 7, 64])
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_texts_of_stock_decoding_row_by_row(
    ending: Callable[[str], Base], stock_texts: Callable[[Base, str, str], list[str]],
    name: str, kind: str, size: int,
) -> None:  # fmt: skip
    base = ending(name)
    model = with_prompt(base, kind)
    ids, _ = sources(base, ROWS, 1)
    decoding = DecodingSettings(max_new_tokens=NEW, batch_size=size)
    said: list[str] = []
    found = generate(model, base, ids, decoding, say=said.append)
    assert said == [
        f"decoding: greedy, {counted(size, 'row')} at once; a row that has ended makes room"
    ]
    assert found == stock_texts(base, name, kind)
    assert len(set(found)) > ROWS / 4


def test_rows_wait_join_and_leave(ending: Callable[[str], Base]) -> None:
    """7 places for 40 rows: no step computes a row that has ended, and places do not stay free."""
    base = ending("llama")
    ids = sorted(sources(base, ROWS, 1)[0], key=len, reverse=True)
    rows = DecoderRows(base.model, ids, base.tokenizer.pad_token_id, 7, NEW)
    computed: list[int] = []
    behind = rows.behind
    rows.behind = lambda tokens: (computed.append(len(tokens)), behind(tokens))[1]  # type: ignore[method-assign]
    config = generation_config(base, DecodingSettings(max_new_tokens=NEW))
    ends, ended = set(config.eos_token_id), list[int]()
    found = search(rows, NEW, ends, ended.append)
    assert sum(ended) == len(found) == ROWS
    assert sum(computed) == sum(len(row) - 1 for row in found)
    busy = computed[: len(computed) // 2]
    assert max(computed) == 7
    assert min(busy) > 7 - 7 / 4 - 1
    lengths = {len(row) for row in found}
    assert {1, NEW} <= lengths
    assert all(row[-1] in ends or len(row) == NEW for row in found)


def test_room_is_given_up_and_used_again(ending: Callable[[str], Base]) -> None:
    """Short texts push each other through the room: it must be cleared on the way."""
    base = ending("llama")
    ids = [source[-4:] for source in sorted(sources(base, 80, 1)[0], key=len, reverse=True)]
    ends = set(generation_config(base, DecodingSettings()).eos_token_id)
    rows = DecoderRows(base.model, ids, base.tokenizer.pad_token_id, 4, NEW)
    cleared: list[int] = []
    make_room = rows._make_room
    rows._make_room = lambda start: (cleared.append(start), make_room(start))[1]  # type: ignore[method-assign]
    found = search(rows, NEW, ends)
    assert cleared, "the test must reach the end of the room"
    for source, row in zip(ids, found, strict=True):
        alone = DecoderRows(base.model, [source], base.tokenizer.pad_token_id, 1, NEW)
        assert search(alone, NEW, ends) == [row]


@pytest.mark.parametrize("name", ["tiny_llama", "t5"])
def test_settings_of_the_model_itself_change_nothing(
    base_of: Callable[[str], Base], name: str
) -> None:
    """Neither our search nor transformers' own takes a penalty from generation_config.json."""
    base, settings = base_of(name), base_of(name).model.generation_config
    ids, _ = sources(base, 6, 1)
    for beams in (1, 2):
        decoding = DecodingSettings(max_new_tokens=NEW, num_beams=beams)
        usual = generate(base.model, base, ids, decoding)
        settings.repetition_penalty, settings.min_length = 9.0, 60
        try:
            assert generate(base.model, base, ids, decoding) == usual
        finally:
            settings.repetition_penalty = settings.min_length = None


def test_what_is_left_to_transformers_says_why(base_of: Callable[[str], Base]) -> None:
    llama, bart, gemma = base_of("llama"), base_of("bart"), base_of("gemma2")

    def reason(base: Base, **options: Any) -> str:
        config = generation_config(base, DecodingSettings(**options))
        return why_not_greedy(base.model, base, config)

    assert reason(llama) == reason(bart) == ""
    assert reason(llama, num_beams=2) == "beam search"
    assert reason(llama, no_repeat_ngram_size=3) == "no_repeat_ngram_size"
    assert reason(gemma) == "some layers see a sliding window"
    bart.model.generation_config.forced_bos_token_id = 0
    try:
        assert reason(bart) == "the model sets forced_bos_token_id"
    finally:
        bart.model.generation_config.forced_bos_token_id = None
    said: list[str] = []
    ids, _ = sources(llama, 3, 1)
    decoding = DecodingSettings(max_new_tokens=2, num_beams=2, batch_size=2)
    generate(llama.model, llama, ids, decoding, say=said.append)
    assert said == ["decoding: transformers' generate, 2 rows at once (beam search)"]
