"""Is a difference real? Paired bootstrap over examples, spread over seeds, Holm's correction.

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993 (standard errors by
resampling); P. Koehn, Statistical Significance Tests for Machine Translation Evaluation, EMNLP 2004
(the same examples for both sides, corpus metrics computed anew); F. Satterthwaite, An Approximate
Distribution of Estimates of Variance Components, Biometrics 1946 (degrees of freedom of a sum of
variances); S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979; J. Cohen,
Statistical Power Analysis for the Behavioral Sciences, 1988.
docs/statistics.md tells it to users.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunebook.metrics.bootstrap import Matrix
from tunebook.metrics.corpus import value_of

RESAMPLES = 2000
CELLS_AT_ONCE = 4_000_000  # 32 MB of weights in memory at a time
LEVEL = 0.95
POWER = 0.8
MOST_SEEDS = 100
FEWEST_EXAMPLES = 2
NO_DIFFERENCE = 1e-9  # on a scale of 100
TINY = 1e-30


@dataclass(frozen=True, eq=False)
class Sample:
    """The scores of one row of a table.

    values: shape (seeds,): the metric of each seed's run on all test examples.
    resampled: shape (resamples, seeds): the same on each resample of the examples. Resamples are
        the same ones for every Sample that is compared with this one: that is what pairs them.
    examples: how many test examples there are.
    """

    values: Matrix
    resampled: Matrix
    examples: int

    @property
    def mean(self) -> float:
        """Over seeds."""
        return float(self.values.mean())

    @property
    def sd(self) -> float | None:
        """Standard deviation over seeds (n - 1); None for one seed."""
        return float(self.values.std(ddof=1)) if len(self.values) > 1 else None


def weights(examples: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[Matrix]:
    """How often each example is drawn in each resample, in parts of shape (≤ resamples, examples).

    The same seed gives the same resamples, of whatever size the parts are.
    """
    generator = np.random.default_rng(seed)
    size = max(1, CELLS_AT_ONCE // examples)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(examples, size=(rows, examples))
        drawn += np.arange(rows)[:, None] * examples
        counts = np.bincount(drawn.ravel(), minlength=rows * examples)
        yield counts.reshape(rows, examples).astype(np.float64)


def samples(
    name: str, statistics: Sequence[Sequence[Matrix]], resamples: int = RESAMPLES, seed: int = 0
) -> list[Sample]:
    """A Sample for each row of a table.

    Args:
        name: of the metric.
        statistics: for each row, for each seed, shape (examples, k): what each example adds to the
            metric's sums (see `corpus.value_of`); the same examples in the same order everywhere.
    """
    if not statistics:
        return []
    count, width = statistics[0][0].shape
    # The runs of a row side by side: one product is faster than one for each.
    together = [np.concatenate(row, axis=1) for row in statistics]
    parts = [
        [value_of(name, (part @ row).reshape(len(part), -1, width), count) for row in together]
        for part in weights(count, resamples, seed)
    ]
    return [
        Sample(
            values=np.array([value_of(name, run.sum(axis=0), count) for run in row]),
            resampled=np.concatenate([part[i] for part in parts]),
            examples=count,
        )
        for i, row in enumerate(statistics)
    ]


def interval(sample: Sample, level: float = LEVEL) -> tuple[float, float]:
    """The interval of the mean over seeds, (low, high), within 0 to 100."""
    from scipy import special

    of_examples = sample.resampled.mean(axis=1).var(ddof=1, keepdims=True)
    spread, freedom = _spread(of_examples, [_of_seeds(sample)], sample.examples)
    half = float(special.stdtrit(freedom[0], (1 + level) / 2) * spread[0])
    return max(0.0, sample.mean - half), min(100.0, sample.mean + half)


def p_values(rows: Sequence[Sample]) -> Matrix:
    """How often a gap as large would come up between two rows that are equally good.

    The standard error of the gap has two parts: the test examples, by a paired bootstrap, and the
    seeds, each side by itself. Drawing seeds anew from two or three would understate their part and
    ignore how little so few seeds tell: it called equal methods different in up to 30 % of
    simulated comparisons. So their part is taken in closed form (variance over seeds with n - 1,
    less what the examples explain already), and the ratio is compared with Student's t with
    Satterthwaite's degrees of freedom. A row of one run has no such part, so that it has to be of a
    method that trains nothing: on one seed of any other this would call luck a difference.

    No p is below that of the most one-sided outcome under chance, 2 / 2**examples (each example
    as likely to favour either side): a few equal differences have no spread, and prove nothing.

    Returns:
        shape (rows, rows), symmetric, 1 on the diagonal; not corrected for being many.
    """
    from scipy import special

    first, second = np.triu_indices(len(rows), k=1)
    found = np.ones((len(rows), len(rows)))
    if not len(first):
        return found
    means = np.array([row.mean for row in rows])
    together = np.cov([row.resampled.mean(axis=1) for row in rows])
    own = np.diag(together)
    of_examples = own[first] + own[second] - 2 * together[first, second]
    parts = np.array([_of_seeds(row) for row in rows])
    spread, freedom = _spread(of_examples, [parts[first].T, parts[second].T], rows[0].examples)
    gap = np.abs(means[first] - means[second])
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(freedom, -gap / spread)
    p = np.maximum(p, 2.0 ** (1 - rows[0].examples))
    found[first, second] = found[second, first] = np.where(gap < NO_DIFFERENCE, 1.0, p)
    return found


def seeds_needed(
    one: Sample, other: Sample, of_seed: tuple[float, float], comparisons: int = 1
) -> int | None:
    """How many seeds a row would show the gap between two rows four times in five.

    From the power of the test of `p_values` with Student's t (Cohen, 1988), for the gap and the
    spreads that are seen.

    Args:
        of_seed: the variance of one run's score over seeds, of each side; 0 for a fixed method.
        comparisons: among how many Holm's correction divides the level, at the worst.

    Returns:
        2 to MOST_SEEDS; None where no such number would do, as the test examples are too few.
    """
    from scipy import special

    of_examples = float(np.var(one.resampled.mean(axis=1) - other.resampled.mean(axis=1), ddof=1))
    of_examples = max(0.0, of_examples - _counted(one) - _counted(other))
    gap, level = abs(one.mean - other.mean), (1 - LEVEL) / 2 / comparisons
    for seeds in range(2, MOST_SEEDS + 1):
        parts = [(each / seeds, each / seeds, seeds - 1.0) for each in of_seed]
        spread, freedom = _spread(np.array([of_examples]), parts, one.examples)
        needed = special.stdtrit(freedom[0], POWER) - special.stdtrit(freedom[0], level)
        if gap >= needed * spread[0]:
            return seeds
    return None


def _spread(of_examples: Matrix, of_seeds: Sequence[Any], examples: int) -> tuple[Matrix, Matrix]:
    """Standard errors and their degrees of freedom, of what the bootstrap and the seeds say."""
    total = np.maximum(of_examples, 0.0)
    below = total**2 / max(examples - 1, 1)
    for part, raw, free in of_seeds:
        total = total + part
        below = below + raw**2 / free
    freedom = np.maximum(total, TINY) ** 2 / np.maximum(below, TINY**2)
    return np.sqrt(total), freedom


def _of_seeds(sample: Sample) -> tuple[float, float, float]:
    """What the seeds add to the variance of the mean: alone, with examples, degrees of freedom.

    Runs of different seeds also differ because each answers each example a little differently. The
    bootstrap over examples counts that already, so it is taken off to have the seeds alone.
    """
    seeds = len(sample.values)
    if seeds < 2:
        return 0.0, 0.0, 1.0
    whole = float(sample.values.var(ddof=1)) / seeds
    return max(0.0, whole - _counted(sample)), whole, seeds - 1.0


def _counted(sample: Sample) -> float:
    """What the bootstrap over examples has counted of the seeds' part already."""
    seeds = len(sample.values)
    if seeds < 2:
        return 0.0
    apart = sample.resampled - sample.resampled.mean(axis=1, keepdims=True)
    return float(apart.var(axis=0, ddof=1).sum()) / (seeds - 1) / seeds


def corrected(p: Matrix) -> Matrix:
    """`p_values` corrected by Holm's procedure for all pairs of rows.

    For all pairs and not only for those with the best row: which row is best is only known after
    looking, so each pair could have been the one that is looked at.
    """
    first, second = np.triu_indices(len(p), k=1)
    found = np.ones_like(p)
    found[first, second] = found[second, first] = holm(p[first, second])
    return found


def holm(p: Sequence[float] | Matrix) -> Matrix:
    """p-values adjusted for being several (Holm, 1979), in the order given."""
    raw: Matrix = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted
