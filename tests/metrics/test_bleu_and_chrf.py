"""BLEU and chrF are sacrebleu's own numbers, with the tokenizer of the language."""

import importlib.util
import math
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from tunebook.metrics import score, tokenizers
from tunebook.metrics.corpus import scores, sentence_statistics, value_of

PREDICTIONS = ["the cat sat on the mat .", "a dog", "", "il a été là hier soir"]
RAGGED = [
    ["the cat sat on a mat .", "a cat was sitting on the mat ."],
    ["the dog runs"],
    ["nothing", "none", "nil"],
    ["il était là hier soir", "il a été là hier soir"],
]
STREAMS: Any = [[row[i] if i < len(row) else None for row in RAGGED] for i in range(3)]


def test_bleu_by_hand() -> None:
    # "a b c d e" against "a b c d f": precisions 4/5, 3/4, 2/3, 1/2, equal lengths.
    found = score(["bleu"], ["a b c d e"], [["a b c d f"]]).values["bleu"]
    assert found == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_brevity_penalty_by_hand() -> None:
    found = score(["bleu"], ["a b c d"], [["a b c d e"]]).values["bleu"]
    assert found == pytest.approx(100 * math.exp(1 - 5 / 4))


@pytest.mark.parametrize("metric", [BLEU(force=True), CHRF()])
def test_statistics_add_up_to_sacrebleus_public_corpus_score(metric: BLEU | CHRF) -> None:
    found = sentence_statistics(metric, PREDICTIONS, RAGGED)
    total = scores(metric, found.sum(axis=0, keepdims=True))
    assert total.tolist() == [metric.corpus_score(PREDICTIONS, STREAMS).score]


def test_ragged_references_equal_sacrebleu() -> None:
    found = score(["bleu", "chrf"], PREDICTIONS, RAGGED)
    assert found.values["bleu"] == BLEU().corpus_score(PREDICTIONS, STREAMS).score
    assert found.values["chrf"] == CHRF().corpus_score(PREDICTIONS, STREAMS).score
    assert "nrefs:var" in found.signatures["bleu"]


def test_counts_of_examples_add_up_to_the_value() -> None:
    found = score(["bleu", "chrf", "token_f1"], PREDICTIONS, RAGGED)
    assert found.counts.keys() == {"bleu", "chrf"}  # the other one is a mean of its examples
    for name, counts in found.counts.items():
        sums = np.array(counts).sum(axis=0, keepdims=True)
        assert value_of(name, sums, len(counts)).item() == pytest.approx(found.values[name])


def test_sentence_scores_equal_sacrebleu() -> None:
    found = score(["bleu", "chrf"], PREDICTIONS, RAGGED).examples
    rows = list(zip(PREDICTIONS, RAGGED, strict=True))
    effective = BLEU(effective_order=True)
    assert found["bleu"] == [effective.sentence_score(*row).score for row in rows]
    assert found["chrf"] == [CHRF().sentence_score(*row).score for row in rows]


def test_signature_is_sacrebleus() -> None:
    found = score(["bleu", "chrf"], ["a"], [["a"]]).signatures
    assert found["bleu"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert found["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


@pytest.mark.parametrize(
    ("language", "tokenizer"),
    [("en", "13a"), ("fr-CA", "13a"), ("zh", "zh"), ("zh_Hans", "zh"), ("cmn", "zh"), ("ZH", "zh")],
)
def test_tokenizer_follows_the_language(language: str, tokenizer: str) -> None:
    signature = score(["bleu"], ["a"], [["a"]], language=language).signatures["bleu"]
    assert f"|tok:{tokenizer}|" in signature


def test_chinese_bleu_counts_characters() -> None:
    # 我 喜 欢 苹 果 against 我 喜 欢 苹 树: the numbers of test_bleu_by_hand.
    found = score(["bleu"], ["我喜欢苹果"], [["我喜欢苹树"]], language="zh").values["bleu"]
    assert found == pytest.approx(100 * (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)


def test_japanese_bleu_counts_words() -> None:
    pytest.importorskip("ipadic")
    # MeCab: 私 は 猫 が 好き です against 私 は 犬 が 好き です; both have 6 words.
    found = score(["bleu"], ["私は猫が好きです"], [["私は犬が好きです"]], language="ja")
    precisions = (5 / 6) * (3 / 5) * (1 / 4) * (1 / (2 * 3))  # no four-gram matches: smoothed
    assert found.values["bleu"] == pytest.approx(100 * precisions**0.25)
    assert "|tok:ja-mecab-" in found.signatures["bleu"]


def test_missing_tokenizer_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_of_mecab(name: str) -> object:
        return None if name.startswith(("mecab_ko", "MeCab")) else importlib.util.find_spec(name)

    monkeypatch.setattr(tokenizers, "find_spec", none_of_mecab)
    for language in ("ko", "ja"):
        with pytest.raises(ValueError, match=rf"pip install 'sacrebleu\[{language}\]'"):
            score(["bleu"], ["a"], [["a"]], language=language)
    assert score(["chrf"], ["고양이"], [["고양이"]], language="ko").values["chrf"] == 100
