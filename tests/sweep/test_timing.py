"""How long the rest of a sweep takes."""

from __future__ import annotations

import pytest

from tunebook.counting import in_words
from tunebook.sweep.scratch import DONE, FAILED, FINISHED_BEFORE, RUNNING, Outcome
from tunebook.sweep.timing import Timing

ALIKE = ["slow", "quick", "slow", "quick", "other"]


def known(*outcomes: Outcome) -> dict[int, Outcome]:
    return {one.number: one for one in outcomes}


def test_unknown_before_the_first_is_done() -> None:
    begun = known(Outcome(0, FINISHED_BEFORE, seconds=1), Outcome(1, FAILED, seconds=1),
                  Outcome(2, RUNNING))  # fmt: skip
    assert Timing(ALIKE).left(begun) == 0


def test_runs_that_are_alike_take_alike() -> None:
    done = known(Outcome(0, DONE, seconds=100), Outcome(1, DONE, seconds=10))
    assert Timing(ALIKE).left(done) == 100 + 10 + 55


def test_a_run_at_work_counts_for_what_is_left_of_it_and_several_share() -> None:
    done = known(Outcome(0, DONE, seconds=100), Outcome(1, DONE, seconds=10))
    one = {**done, 2: Outcome(2, RUNNING, seconds=70)}
    assert Timing(ALIKE).left(one) == 30 + 10 + 55
    two = {**one, 3: Outcome(3, RUNNING, seconds=40)}
    assert Timing(ALIKE).left(two) == (30 + 0 + 55) / 2


def test_nothing_is_left_at_the_end() -> None:
    assert Timing(["a"]).left(known(Outcome(0, DONE, seconds=9))) == 0


@pytest.mark.parametrize(("seconds", "words"), [
    (0.4, "0 s"), (34.2, "34 s"), (99.4, "99 s"), (100, "2 min"), (5900, "98 min"),
    (6000, "1 h 40 min"), (90_000, "25 h 0 min")])  # fmt: skip
def test_in_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
