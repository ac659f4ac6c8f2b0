"""95 % bootstrap intervals over test examples (Efron, 1979; Koehn, 2004, for corpus metrics)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Interval = tuple[float, float] | None
"""(low, high) on the metric's scale; None where the data says nothing of its spread."""
CELLS_AT_ONCE = 4_000_000  # 32 MB of resampled statistics in memory at a time


def interval(
    statistics: Matrix,
    aggregate: Callable[[Matrix], Matrix],
    *,
    seed: int = 0,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of a metric that depends on sums over examples.

    Args:
        statistics: shape (examples, k): what each example adds to the sums.
        aggregate: from sums, shape (resamples, k), to values of the metric, shape (resamples,).
        seed: of numpy's default generator.

    Returns:
        (low, high) on the metric's scale; None with fewer than 2 examples, which have no spread.
    """
    from scipy import stats

    if len(statistics) < 2:
        return None

    def values(rows: NDArray[Any], axis: int) -> Matrix:
        return aggregate(statistics[rows.astype(np.intp)].sum(axis=-2).reshape(-1, width))

    width = statistics.shape[1]
    found = stats.bootstrap(
        (np.arange(len(statistics)),),
        values,
        n_resamples=resamples,
        batch=max(1, CELLS_AT_ONCE // statistics.size),
        vectorized=True,
        confidence_level=level,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)
