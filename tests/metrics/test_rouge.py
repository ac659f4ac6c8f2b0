"""ROUGE is rouge_score's, over words of every script."""

import unicodedata
from importlib.metadata import version

import pytest
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import DefaultTokenizer

from tunebook.metrics import keys, score
from tunebook.metrics.rouge import UnicodeTokenizer
from tunebook.metrics.text import words

ENGLISH = [
    ("The quick brown fox, it jumped!", "A quick_brown dog; it didn't jump 3.5 times."),
    ("One two.\nThree four five.", "three four.\n\nOne 2 two\n"),
    ("first line\nsecond line", "second line first line"),
]


def test_rouge_by_hand() -> None:
    # 4 words against 5: 3 shared, 2 shared pairs of 3 and 4, longest common subsequence 3.
    found = score(["rouge"], ["the cat sat down"], [["the cat sat on mats"]]).values
    assert found["rouge1"] == pytest.approx(100 * 2 * 3 / (4 + 5))
    assert found["rouge2"] == pytest.approx(100 * 2 * 2 / (3 + 4))
    assert found["rougeL"] == pytest.approx(100 * 2 * 3 / (4 + 5))


def test_value_is_the_mean_of_examples() -> None:
    found = score(["rouge"], ["a b", "x"], [["a b"], ["y"]])
    assert found.examples["rouge1"] == [100, 0]
    assert found.values["rouge1"] == 50


def test_lsum_takes_lines_as_sentences() -> None:
    # Both lines match as sentences, but as one sequence only three words are in order.
    found = score(["rouge"], ["d e\na b c"], [["a b c\nd e"]]).values
    assert found["rougeLsum"] == 100
    assert found["rougeL"] == pytest.approx(60)


@pytest.mark.parametrize(("prediction", "reference"), ENGLISH)
def test_english_equals_rouge_score_with_its_own_tokenizer(prediction: str, reference: str) -> None:
    peer = RougeScorer(list(keys("rouge"))).score(reference, prediction)
    found = score(["rouge"], [prediction], [[reference]]).values
    assert found == {key: pytest.approx(100 * peer[key].fmeasure) for key in peer}
    assert words(prediction) == DefaultTokenizer().tokenize(prediction)


def test_single_lines_equal_the_full_computation() -> None:
    prediction, references = "a b a c d a", ["b a a d e", "c a a b d a f"]
    peer = RougeScorer(["rougeLsum"], tokenizer=UnicodeTokenizer())
    expected = peer.score_multi(references, prediction)["rougeLsum"].fmeasure
    found = score(["rouge"], [prediction], [references]).values["rougeLsum"]
    assert found == pytest.approx(100 * expected)


def test_best_reference_counts_for_each_key() -> None:
    found = score(["rouge"], ["a b c"], [["c b a", "a b x y"]]).values
    assert found["rouge1"] == 100  # first reference
    assert found["rouge2"] == pytest.approx(100 * 2 * 1 / (2 + 3))  # second reference


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'ÉTÉ dernier, ça a été", ["l", "été", "dernier", "ça", "a", "été"]),
        ("我喜欢GPT-4。", ["我", "喜", "欢", "gpt", "4"]),
        ("カラオケに行く", ["カ", "ラ", "オ", "ケ", "に", "行", "く"]),
        ("スーパー", ["ス", "ー", "パ", "ー"]),
        ("Привет, МИР!", ["привет", "мир"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("می\u200cخواهم", ["می\u200cخواهم"]),
        ("Straße snake_case", ["strasse", "snake", "case"]),
        ("", []),
    ],
)
def test_words_of_every_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_accents_survive_in_both_unicode_forms() -> None:
    composed, decomposed = (unicodedata.normalize(form, "été passé") for form in ("NFC", "NFD"))
    assert score(["rouge"], [decomposed], [[composed]]).values["rouge2"] == 100
    # rouge_score's own tokenizer sees "t" and "pass", and so cannot tell été from ôtà.
    assert score(["rouge"], ["ôtà passâ"], [["été passé"]]).values["rouge1"] == 0


def test_chinese_does_not_score_zero() -> None:
    found = score(["rouge"], ["我喜欢苹果"], [["我喜欢香蕉"]], language="zh").values
    assert found["rouge1"] == pytest.approx(60)
    assert found["rouge2"] == pytest.approx(50)


def test_signature_names_tokenizer_version_and_stemming() -> None:
    found = score(["rouge"], ["a"], [["a"]]).signatures
    release = version("rouge_score")
    assert found["rouge1"] == f"rouge1|F1|refs:best|tok:unicode-words|stem:no|rouge_score:{release}"
    assert found["rougeLsum"].endswith("|sentences:lines")
