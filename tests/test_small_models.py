"""The models that other tests are built on: read back whole, and their answers depend on a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_models import ENCODER_DECODER


@pytest.mark.parametrize("family", ["gemma2", "gpt_neo", "rwkv", "falcon", "t5gemma", "m2m_100"])
def test_a_family_is_read_back_whole(family: str, small_model: Callable[..., Path]) -> None:
    import torch
    import transformers

    encodes = family in ENCODER_DECODER
    name = "AutoModelForSeq2SeqLM" if encodes else "AutoModelForCausalLM"
    folder = small_model(family)
    model, report = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [tokenizer(text, return_tensors="pt") for text in ("the cat saw", "a boat saw")]
    assert [ids.input_ids[0, -1] == 1 for ids in texts] == [encodes, encodes]
    more = {"decoder_input_ids": torch.tensor([[0]])} if encodes else {}
    with torch.no_grad():
        one, other = (model(input_ids=ids.input_ids, **more).logits[0, -1] for ids in texts)
    assert (one - other).abs().max() > 1e-4


def test_a_tokenizer_adds_what_it_is_told_to(small_model: Callable[..., Path]) -> None:
    from transformers import AutoTokenizer

    folder = small_model("llama", begin=True, end=True, special=("<x>",), languages=("fr_XX",))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("the cat")["input_ids"]
    assert (ids[0], ids[-1]) == (tokenizer.bos_token_id, tokenizer.eos_token_id) == (2, 1)
    assert tokenizer.convert_tokens_to_ids(["<x>", "fr_XX"]) == [4, 5]
    assert {4, 5} <= set(tokenizer.all_special_ids)
