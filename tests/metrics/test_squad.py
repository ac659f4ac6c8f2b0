"""Exact match and F1, against hand-made numbers and an independent copy of SQuAD's rules."""

import re
import string
from collections import Counter

import pytest

from tunebook.metrics import score

CASES = [
    ("The Eiffel Tower!", ["Eiffel tower"]),
    ("in the  year 1999", ["1999", "year 1999 A.D."]),
    ("an apple a day", ["the apple", "day"]),
    ("U.S.", ["US", "u s"]),
    ("theatre", ["atre"]),
    ("a, the", ["cat"]),
    ("black-and-white", ["black and white"]),
    ("no no no", ["no yes no"]),
]


def official(prediction: str, gold: str) -> tuple[float, float]:
    """SQuAD 2.0's compute_exact and compute_f1, written out again."""

    def tokens(text: str) -> list[str]:
        kept = "".join(c for c in text.lower() if c not in string.punctuation)
        return re.sub(r"\b(?:a|an|the)\b", " ", kept).split()

    predicted, wanted = tokens(prediction), tokens(gold)
    if not predicted or not wanted:
        return float(predicted == wanted), float(predicted == wanted)
    counts = Counter(wanted)
    same = 0
    for token in predicted:
        if counts[token]:
            counts[token] -= 1
            same += 1
    if not same:
        return float(predicted == wanted), 0.0
    precision, recall = same / len(predicted), same / len(wanted)
    return float(predicted == wanted), 2 * precision * recall / (precision + recall)


def one(prediction: str, references: list[str], **options: str) -> tuple[float, float]:
    values = score(["squad"], [prediction], [references], **options).values  # type: ignore[arg-type]
    return values["exact_match"], values["f1"]


@pytest.mark.parametrize(("prediction", "references"), CASES)
def test_equals_the_rules_of_squad(prediction: str, references: list[str]) -> None:
    exact, f1 = zip(*(official(prediction, gold) for gold in references), strict=True)
    assert one(prediction, references) == pytest.approx((100 * max(exact), 100 * max(f1)))


@pytest.mark.parametrize(
    ("prediction", "references", "exact_match", "f1"),
    [
        ("The Eiffel Tower!", ["Eiffel tower"], 100, 100),
        ("in 1999", ["1999"], 0, 200 / 3),
        ("in 1999", ["x", "on 1999", "In 1999."], 100, 100),
        ("", ["1999"], 0, 0),
        ("unanswerable", ["1999"], 0, 0),
    ],
)
def test_by_hand(prediction: str, references: list[str], exact_match: float, f1: float) -> None:
    assert one(prediction, references) == pytest.approx((exact_match, f1))


@pytest.mark.parametrize(
    ("prediction", "value"),
    [("", 100), ("Unanswerable.", 100), ("the", 100), ("1999", 0), ("not unanswerable", 0)],
)
@pytest.mark.parametrize("references", [[], [""], ["..."]])
def test_unanswerable(prediction: str, value: float, references: list[str]) -> None:
    assert one(prediction, references) == (value, value)


def test_no_answer_text_is_configured() -> None:
    assert one("Sans réponse", [], no_answer="sans réponse", language="fr") == (100, 100)
    assert one("unanswerable", [], no_answer="sans réponse", language="fr") == (0, 0)
    assert one("无法 回答。", [], no_answer="无法回答", language="zh") == (100, 100)


@pytest.mark.parametrize(
    ("prediction", "reference", "language", "expected"),
    [
        ("北京 大学。", "北京大学", "zh", (100, 100)),
        ("北京", "北京大学", "zh-CN", (0, 100 * 2 * 2 / (2 + 4))),
        ("1998年", "1999年", "zh", (0, 50)),  # 1998 and 年 against 1999 and 年
        ("東京タワー", "「東京タワー」", "ja", (100, 100)),
        ("京都", "東京", "ja", (0, 50)),
    ],
)
def test_chinese_and_japanese_by_characters(
    prediction: str, reference: str, language: str, expected: tuple[float, float]
) -> None:
    assert one(prediction, [reference], language=language) == pytest.approx(expected)


def test_french_keeps_its_a_and_its_accents_and_loses_its_quotes() -> None:
    assert one("« Il y a été »", ["il y a été"], language="fr") == (100, 100)
    assert one("il a", ["il"], language="fr") == pytest.approx((0, 200 / 3))
    assert one("il a", ["il"], language="en") == (100, 100)


def test_value_is_the_mean_over_examples() -> None:
    found = score(["squad"], ["in 1999", "x"], [["1999"], ["x"]])
    assert found.examples == {"exact_match": [0, 100], "f1": [pytest.approx(200 / 3), 100]}
    assert found.values == {"exact_match": 50, "f1": pytest.approx(250 / 3)}
    assert found.signatures["f1"] == "f1|squad|refs:best|lang:en|tok:words|articles:removed"
