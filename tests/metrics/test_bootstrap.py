"""Intervals: seeded, over examples, and as wide as theory says."""

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU

from tunebook.metrics import score
from tunebook.metrics.bootstrap import interval
from tunebook.metrics.metric import mean_result

WORDS = np.array(["the", "a", "cat", "dog", "sat", "ran", "on", "in", "mat", "house", "red"])


def made_up(rows: int, seed: int = 0) -> tuple[list[str], list[list[str]]]:
    """Sentences of 12 words, of which about a third are changed in the prediction."""
    generator = np.random.default_rng(seed)
    references = generator.choice(WORDS, (rows, 12))
    noise = generator.choice(WORDS, (rows, 12))
    changed = generator.random((rows, 12)) < generator.uniform(0, 0.6, (rows, 1))
    predictions = np.where(changed, noise, references)
    return [" ".join(row) for row in predictions], [[" ".join(row)] for row in references]


KEYS = ["bleu", "chrf", "rougeL", "f1", "exact_match", "token_f1"]
GROUPS = ["bleu", "chrf", "rouge", "squad", "token_f1"]


def test_every_interval_covers_its_value_and_has_a_width() -> None:
    found = score(GROUPS, *made_up(60), intervals=KEYS)
    assert list(found.intervals) == KEYS
    for key, (low, high) in found.intervals.items():
        assert 0 <= low < found.values[key] < high <= 100


def test_same_seed_same_interval_whatever_else_is_asked() -> None:
    rows = made_up(40)
    first = score(["rouge"], *rows, intervals=["rougeL"], seed=3).intervals["rougeL"]
    again = score(GROUPS, *rows, intervals=KEYS, seed=3).intervals["rougeL"]
    other = score(["rouge"], *rows, intervals=["rougeL"], seed=4).intervals["rougeL"]
    assert first == again
    assert first != other


def test_global_random_state_is_left_alone() -> None:
    rows = made_up(10)
    np.random.seed(0)
    score(["rouge"], *rows, intervals=["rougeL"])
    after = np.random.random()
    np.random.seed(0)
    assert after == np.random.random()


def test_fewer_than_two_examples_have_no_interval() -> None:
    found = score(["bleu", "rouge"], ["a b c d e"], [["a b c d f"]], intervals=["bleu", "rougeL"])
    assert found.intervals == {"bleu": None, "rougeL": None}


def test_distinct_has_no_interval_because_a_resample_repeats_text() -> None:
    found = score(["distinct"], *made_up(20), intervals=["distinct1", "distinct2"])
    assert found.intervals == {"distinct1": None, "distinct2": None}
    assert found.values["distinct1"] > 0


def test_equal_examples_have_no_width() -> None:
    found = score(["squad"], ["x"] * 5, [["x"]] * 5, intervals=["f1"])
    assert found.intervals["f1"] == (100, 100)


def test_mean_interval_has_the_width_of_the_normal_theory() -> None:
    values = np.random.default_rng(1).normal(50, 10, 400)
    low, high = mean_result("x", list(values), "").interval(seed=0)
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.15)


def test_corpus_interval_equals_one_made_of_whole_corpora() -> None:
    """Resample sentences and call sacrebleu's public corpus_score on each resampled corpus."""
    predictions, references = made_up(25)
    generator = np.random.default_rng(7)
    bleu = BLEU()
    resampled = []
    for _ in range(400):
        rows = generator.integers(0, 25, 25)
        texts, stream = [predictions[i] for i in rows], [references[i][0] for i in rows]
        resampled.append(bleu.corpus_score(texts, [stream]).score)
    expected = np.percentile(resampled, [2.5, 97.5])
    found = score(["bleu"], predictions, references, intervals=["bleu"]).intervals["bleu"]
    assert found == pytest.approx(tuple(expected), abs=0.15 * (expected[1] - expected[0]))


def test_interval_covers_the_truth_about_95_times_in_100() -> None:
    generator = np.random.default_rng(5)
    covered = 0
    for trial in range(200):
        column = generator.binomial(1, 0.4, (80, 1)).astype(float)
        low, high = interval(column, lambda sums: sums[:, 0] / 80, seed=trial, resamples=400)
        covered += low <= 0.4 <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_memory_batches_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    column = np.random.default_rng(2).random((50, 3))
    whole = interval(column, lambda sums: sums[:, 0] / sums[:, 1])
    monkeypatch.setattr("tunebook.metrics.bootstrap.CELLS_AT_ONCE", 700)
    assert interval(column, lambda sums: sums[:, 0] / sums[:, 1]) == whole
