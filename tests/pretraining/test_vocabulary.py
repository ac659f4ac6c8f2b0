"""The tokenizer: every text comes back, and ends as its family ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from tunebook.pretraining import vocabulary

TEXTS = (
    "", "a", " leading", "trailing ", "two  spaces",
    "\n\nlines\n", "\t tab", "L'été à l'école, dès 8 h.",
    "漢字かな交じり文", "🎉👩‍👩‍👧", "e\u0301 decomposed",
    "\u00a0\u200b\ufeff", "don't , ' s .", "\x00\x7f",
)  # fmt: skip


@pytest.fixture(scope="module", params=[True, False], ids=["encoder-decoder", "decoder-only"])
def tokenizer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> PreTrainedTokenizerBase:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    vocabulary.save(vocabulary.train(600, request.param, 300), folder, request.param)
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    ids = tokenizer(text).input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_only_the_encoder_decoder_ends_its_texts(tokenizer: PreTrainedTokenizerBase) -> None:
    ends = tokenizer("Anna").input_ids[-1] == tokenizer.eos_token_id
    assert ends == (vocabulary.sentinel(0) in tokenizer.get_vocab())
    assert tokenizer.pad_token_id == 0
    assert tokenizer.eos_token_id == 1


def test_a_word_has_the_same_token_anywhere(tokenizer: PreTrainedTokenizerBase) -> None:
    alone = tokenizer("was", add_special_tokens=False).input_ids
    within = tokenizer("It was", add_special_tokens=False).input_ids
    assert within[-len(alone) :] == alone
