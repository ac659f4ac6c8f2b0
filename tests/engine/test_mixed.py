"""A batch whose rows use different prompts decodes to what separate batches and single rows give.

4 prompts of 3, 5, 8 and 20 vectors, 28 rows each batch run, greedy and with 3 beams, in float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.engine.bases_and_prompts import prefix, soft_prompts, sources
from tunebook.engine import MixedDecoder, generate
from tunebook.engine.kinds import kind_of
from tunebook.engine.prompts import Caches, Vectors
from tunebook.errors import RequestError
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings

ROWS = 28
every_base = pytest.mark.parametrize("name", ["llama", "gpt2", "t5", "bart", "gemma2"])


def separate(base: Base, prompts: list[Any], ids: list[list[int]], which: list[int],
             decoding: DecodingSettings) -> list[str]:  # fmt: skip
    """Each prompt's rows in batches of its own, by tunebook.engine."""
    texts = [""] * len(ids)
    for number, prompt in enumerate(prompts):
        mine = [i for i, one in enumerate(which) if one == number]
        found = generate(prompt, base, [ids[i] for i in mine], decoding)
        for i, text in zip(mine, found, strict=True):
            texts[i] = text
    return texts


def tell_apart(base: Base, prompts: list[Any], ids: list[list[int]], mixed: list[str],
               which: list[int], decoding: DecodingSettings) -> None:  # fmt: skip
    """The answers depend on the text and on the prompt, else equality would show nothing."""
    assert len(set(mixed)) > len(mixed) / 2
    shifted = [(one + 1) % len(prompts) for one in which]
    others = MixedDecoder(base, prompts).generate(ids, shifted, decoding)
    assert sum(a != b for a, b in zip(mixed, others, strict=True)) > len(mixed) / 2


@pytest.mark.sample("llama-1", "t5-1", "gemma2-1", "gpt2-3")
@pytest.mark.parametrize("beams", [1, 3])
@every_base
def test_mixed_equals_separate_and_alone(
    base_of: Callable[[str], Base], name: str, beams: int
) -> None:
    base = base_of(name)
    prompts = soft_prompts(base)
    ids, which = sources(base, ROWS, len(prompts))
    decoding = DecodingSettings(max_new_tokens=8, num_beams=beams, batch_size=14)
    mixed = MixedDecoder(base, prompts).generate(ids, which, decoding)
    assert mixed == separate(base, prompts, ids, which, decoding)
    one = DecodingSettings(max_new_tokens=8, num_beams=beams, batch_size=1)
    assert mixed == separate(base, prompts, ids, which, one)
    tell_apart(base, prompts, ids, mixed, which, decoding)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["t5", "tiny_llama"])
def test_hundred_rows_of_each_prompt(base_of: Callable[[str], Base], name: str) -> None:
    """On the pretrained bases: 400 of 400 texts are the same."""
    base = base_of(name)
    prompts = soft_prompts(base)
    ids, which = sources(base, 400, len(prompts))
    decoding = DecodingSettings(max_new_tokens=16)
    mixed = MixedDecoder(base, prompts).generate(ids, which, decoding)
    assert mixed == separate(base, prompts, ids, which, decoding)


def test_what_stands_in_front(base_of: Callable[[str], Base]) -> None:
    for name, prompts in (
        ("llama", Caches),
        ("gpt2", Caches),
        ("gemma2", Vectors),
        ("t5", Vectors),
    ):
        assert type(MixedDecoder(base_of(name), soft_prompts(base_of(name))).prompts) is prompts


@pytest.mark.sample("llama-1", "gpt2-3")
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("name", ["llama", "gpt2"])
def test_prefixes_and_the_plain_base_in_the_same_batch(
    base_of: Callable[[str], Base], name: str, beams: int
) -> None:
    base = base_of(name)
    prompts = [*soft_prompts(base, (3, 9)), prefix(base, 6), base.model, prefix(base, 14)]
    assert [kind_of(one) for one in prompts] == ["soft", "soft", "prefix", "plain", "prefix"]
    ids, which = sources(base, ROWS, len(prompts))
    decoding = DecodingSettings(max_new_tokens=8, num_beams=beams, batch_size=14)
    mixed = MixedDecoder(base, prompts).generate(ids, which, decoding)
    assert mixed == separate(base, prompts, ids, which, decoding)
    tell_apart(base, prompts, ids, mixed, which, decoding)


@pytest.mark.sample("t5", "gemma2")
@pytest.mark.parametrize("name", ["t5", "gemma2", "llama"])
def test_the_plain_base_among_vectors_and_by_itself(
    base_of: Callable[[str], Base], name: str
) -> None:
    base = base_of(name)
    decoding = DecodingSettings(max_new_tokens=8, batch_size=14)
    for prompts in ([*soft_prompts(base, (4, 11)), base.model], [base.model, base.model]):
        ids, which = sources(base, ROWS, len(prompts))
        mixed = MixedDecoder(base, prompts).generate(ids, which, decoding)
        assert mixed == separate(base, prompts, ids, which, decoding)


def test_progress_and_nothing_to_do(base_of: Callable[[str], Base]) -> None:
    base = base_of("llama")
    decoder, told = MixedDecoder(base, soft_prompts(base)), []
    ids, which = sources(base, 10, 4)
    decoder.generate(ids, which, DecodingSettings(max_new_tokens=1, batch_size=4), told.append)
    assert told == [4, 4, 2]
    assert decoder.generate([], [], DecodingSettings()) == []


def test_what_cannot_be_mixed_is_refused_by_name(base_of: Callable[[str], Base]) -> None:
    import copy

    from peft import LoraConfig, get_peft_model

    llama, t5, gemma = base_of("llama"), base_of("t5"), base_of("gemma2")
    lora = get_peft_model(copy.deepcopy(llama.model), LoraConfig(target_modules=["q_proj"]))
    with pytest.raises(RequestError, match="prompt 1: lora changes the layers"):
        MixedDecoder(llama, [*soft_prompts(llama, (3,)), lora])
    with pytest.raises(RequestError, match="prompt 0: a prefix stands in the decoder's layers"):
        MixedDecoder(t5, [prefix(t5, 4), *soft_prompts(t5, (3,))])
    for others in (soft_prompts(gemma, (3,)), [gemma.model]):
        with pytest.raises(RequestError, match="prompt 0: its prefix is no plain cache"):
            MixedDecoder(gemma, [prefix(gemma, 4), *others])
