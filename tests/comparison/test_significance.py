"""The statistics are right: error rates by simulation, formulas against their sources."""

from __future__ import annotations

import numpy as np
import pytest
import rates
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from scipy import stats

from tunebook.comparison.significance import (
    Sample,
    corrected,
    holm,
    interval,
    p_values,
    samples,
    seeds_needed,
    weights,
)
from tunebook.metrics.bootstrap import interval as interval_of_a_run
from tunebook.metrics.corpus import statistics_of, value_of

COMPARISONS = 1000
EXAMPLES = 100
RESAMPLES = 200  # a comparison of finished runs draws ten times as many


def two_methods(
    generator: np.random.Generator, seeds: int, gap: float, of_seed: float
) -> list[Sample]:
    """Two methods whose true means differ by `gap`.

    An example has its difficulty (sd 20, the same for both), a method its own way with it (sd 8), a
    seed its luck (sd `of_seed`), and each answer its noise (sd 10).
    """
    difficulty = generator.normal(50, 20, EXAMPLES)
    rows = []
    for mean in (0.0, gap):
        of_method = mean + difficulty + generator.normal(0, 8, EXAMPLES)
        luck = generator.normal(0, of_seed, (seeds, 1))
        scores = of_method + luck + generator.normal(0, 10, (seeds, EXAMPLES))
        rows.append(list(scores[:, :, None]))
    return samples("f1", rows, RESAMPLES, seed=int(generator.integers(1 << 32)))


def share_called_different(seeds: int, gap: float, of_seed: float) -> float:
    """In 1,000 simulated comparisons."""
    generator = np.random.default_rng(7)
    found = [
        p_values(two_methods(generator, seeds, gap, of_seed))[0, 1] for _ in range(COMPARISONS)
    ]
    return float(np.mean(np.array(found) < 0.05))


@pytest.mark.parametrize(("seeds", "of_seed"), [(1, 0.0), (2, 2.0), (3, 2.0), (3, 6.0), (5, 2.0)])
def test_equal_methods_are_called_different_in_about_five_percent(
    seeds: int, of_seed: float
) -> None:
    assert 0.02 <= share_called_different(seeds, 0.0, of_seed) <= 0.08


def test_a_true_gap_is_found_as_often_as_theory_says_with_one_seed() -> None:
    error = np.sqrt(2 * (8**2 + 10**2) / EXAMPLES)
    expected = stats.norm.sf(1.96 - 6 / error)
    assert expected > 0.9
    assert share_called_different(1, 6.0, 0.0) == pytest.approx(expected, abs=0.03)


def test_a_true_gap_is_found_with_three_seeds() -> None:
    assert share_called_different(3, 10.0, 2.0) > 0.9
    assert share_called_different(3, 3.0, 2.0) < 0.5  # and a small one often is not


def test_the_seeds_luck_widens_the_interval() -> None:
    generator = np.random.default_rng(1)
    same, other = (two_methods(generator, 3, 0.0, luck)[0] for luck in (0.0, 15.0))
    widths = [high - low for low, high in map(interval, (same, other))]
    assert widths[1] > 2 * widths[0]


def test_the_interval_covers_the_true_mean_in_about_95_percent() -> None:
    generator = np.random.default_rng(3)
    for seeds, luck in ((1, 0.0), (3, 4.0)):
        found = [interval(two_methods(generator, seeds, 0.0, luck)[0]) for _ in range(600)]
        covered = np.mean([low <= 50 <= high for low, high in found])
        assert 0.92 <= covered <= 0.99


def test_equal_bleu_is_called_different_in_about_five_percent() -> None:
    generator = np.random.default_rng(5)

    def sentences(count: int) -> np.ndarray:
        ease = generator.uniform(0.4, 0.9, EXAMPLES)
        totals = np.array([15, 14, 13, 12])
        rows = []
        for _ in range(count):
            matches = generator.binomial(totals, ease[:, None] ** np.arange(1, 5))
            rows.append(np.column_stack([np.full((EXAMPLES, 2), 15), matches,
                                         np.tile(totals, (EXAMPLES, 1))]))  # fmt: skip
        return np.array(rows, dtype=float)

    found = []
    for number in range(COMPARISONS):
        rows = [[row] for row in sentences(2)]
        found.append(p_values(samples("bleu", rows, RESAMPLES, seed=number))[0, 1])
    assert 0.02 <= np.mean(np.array(found) < 0.05) <= 0.08


def test_of_six_equal_rows_one_is_called_worse_than_the_best_in_at_most_eight_percent() -> None:
    generator = np.random.default_rng(11)
    errors = 0
    for number in range(400):
        difficulty = generator.normal(50, 20, EXAMPLES)
        rows = [[(difficulty + generator.normal(0, 10, EXAMPLES))[:, None]] for _ in range(6)]
        found = samples("f1", rows, RESAMPLES, seed=number)
        best = int(np.argmax([row.mean for row in found]))
        errors += bool((corrected(p_values(found))[best] < 0.05).any())
    assert errors / 400 <= 0.08


def test_identical_answers_are_not_distinguishable() -> None:
    scores = np.random.default_rng(0).uniform(0, 100, (50, 1))
    assert p_values(samples("f1", [[scores], [scores, scores]]))[0, 1] == 1.0


def test_a_constant_gap_is_certain() -> None:
    scores = np.random.default_rng(0).uniform(0, 50, (50, 1))
    assert p_values(samples("f1", [[scores], [scores + 1]]))[0, 1] < 1e-9


def test_one_seed_has_nearly_the_interval_that_the_run_itself_says() -> None:
    scores = np.random.default_rng(0).uniform(0, 100, (200, 1))
    ours = interval(samples("f1", [[scores]])[0])
    assert ours == pytest.approx(interval_of_a_run(scores, lambda sums: sums[:, 0] / 200), abs=0.5)


def test_resamples_do_not_depend_on_how_they_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate(list(weights(30, 50)))
    monkeypatch.setattr("tunebook.comparison.significance.CELLS_AT_ONCE", 100)
    parts = list(weights(30, 50))
    assert len(parts) > 10
    assert np.array_equal(np.concatenate(parts), whole)
    assert (whole.sum(axis=1) == 30).all()


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 are multiplied by 4, 3, 2, 1 and never fall.
    assert holm([0.04, 0.01, 0.03, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


WORDS = ["the", "a", "cat", "dog", "sat", "ran", "on", "in", "mat", "house", "red", "Zoë", "12"]


def made_up(rows: int, changed: float, seed: int) -> tuple[list[str], list[list[str]]]:
    generator = np.random.default_rng(seed)
    references = generator.choice(WORDS, (rows, 9))
    noise = generator.choice(WORDS, (rows, 9))
    texts = np.where(generator.random((rows, 9)) < changed, noise, references)
    return [" ".join(row) for row in texts], [[" ".join(row)] for row in references]


@pytest.mark.parametrize("changed", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize(("name", "metric"), [("bleu", BLEU(force=True)), ("chrf", CHRF())])
def test_corpus_metrics_equal_sacrebleu(name: str, metric: BLEU | CHRF, changed: float) -> None:
    for rows in (1, 2, 40):
        texts, references = made_up(rows, changed, seed=rows)
        counts = statistics_of(name, texts, references, "nrefs:1|tok:13a|smooth:exp")
        for pick in (range(rows), [0, 0, rows - 1]):
            streams = [[references[i][0] for i in pick]]
            expected = metric.corpus_score([texts[i] for i in pick], streams).score
            sums = counts[list(pick)].sum(axis=0)
            assert value_of(name, sums, rows) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("texts", [["", ""], ["cat", "x"], ["q", "z"], ["the cat sat", ""]])
def test_corpus_metrics_equal_sacrebleu_on_next_to_nothing(texts: list[str]) -> None:
    references = [["the cat sat on the mat"], ["a dog ran"]]
    streams = [[row[0] for row in references]]
    for name, metric in (("bleu", BLEU(force=True)), ("chrf", CHRF())):
        counts = statistics_of(name, texts, references, "tok:13a")
        expected = metric.corpus_score(texts, streams).score
        assert value_of(name, counts.sum(axis=0), 2) == pytest.approx(expected, abs=1e-9)


def test_the_lowest_p_is_that_of_the_most_one_sided_outcome() -> None:
    for examples in (2, 5, 10):
        low, high = np.zeros((examples, 1)), np.full((examples, 1), 50.0)
        assert p_values(samples("f1", [[low], [high]]))[0, 1] == 2.0 ** (1 - examples)


@pytest.mark.fuzz
@pytest.mark.parametrize(("gap", "of_seed"), [(8.0, 3.0), (12.0, 6.0)])
def test_the_seeds_that_are_asked_for_show_the_gap_four_times_in_five(
    gap: float, of_seed: float
) -> None:
    generator = np.random.default_rng(17)
    rows = two_methods(generator, 300, gap, of_seed)
    variances = tuple(float(row.values.var(ddof=1)) for row in rows)
    seeds = seeds_needed(rows[0], rows[1], (variances[0], variances[1]))
    assert seeds is not None
    assert 0.7 <= share_called_different(seeds, gap, of_seed) <= 0.92


@pytest.mark.fuzz
@pytest.mark.parametrize("of_seed", rates.DEVIATIONS)
@pytest.mark.parametrize("seeds", [[2, 2], [3, 3], [5, 5], [3] * 4, [2] * 6, [2, 0], [3, 0]])
def test_equal_methods_are_seldom_called_worse(seeds: list[int], of_seed: float) -> None:
    most = 0.17 if seeds in ([2] * 6, [2, 0]) else 0.1  # the page says that two seeds are too few
    assert rates.called_worse(seeds, of_seed, tables=200) <= most


@pytest.mark.fuzz
@pytest.mark.parametrize("of_seed", rates.DEVIATIONS)
@pytest.mark.parametrize(("seeds", "lowest"), [(2, 0.83), (3, 0.88), (5, 0.9)])
def test_intervals_hold_the_true_score_as_often_as_the_page_says(
    seeds: int, lowest: float, of_seed: float
) -> None:
    assert rates.covered(seeds, of_seed, rows=200) >= lowest
