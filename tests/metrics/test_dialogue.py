"""Token F1 and distinct-n of responses."""

import pytest

from tunebook.metrics import score


def test_token_f1_by_hand() -> None:
    found = score(["token_f1"], ["I have a dog", "yes"], [["I have the cat."], ["no", "Yes!"]])
    assert found.examples["token_f1"] == [pytest.approx(200 * 2 / 6), 100]
    assert found.values["token_f1"] == pytest.approx((400 / 6 + 100) / 2)


def test_token_f1_of_nothing_is_zero() -> None:
    assert score(["token_f1"], [""], [["..."]]).values["token_f1"] == 0


def test_distinct_by_hand() -> None:
    # 7 words: i am fine you are = 5 different; i-am am-fine you-are = 3 different pairs.
    found = score(["distinct"], ["I am fine", "you are", "I am"], [["x"]] * 3)
    assert found.values["distinct1"] == pytest.approx(100 * 5 / 7)
    assert found.values["distinct2"] == pytest.approx(100 * 3 / 7)
    assert found.examples["distinct2"] == pytest.approx([100 * 2 / 3, 50, 50])


def test_distinct_needs_no_references_and_reads_chinese() -> None:
    assert score(["distinct"], ["好好好"], [[]]).values["distinct1"] == pytest.approx(100 / 3)
