"""Which points of a search are tried: a scrambled Sobol sequence (Sobol 1967, Owen 1998).

Such points lie more evenly than random ones, which already beat a grid (Bergstra and Bengio 2012,
jmlr.org/papers/v13/bergstra12a.html), and the first eight of sixteen are the eight of a search of
eight. An optimiser that learns from its trials pays off with many more of them, and would have to
wait for one before it can name the next.
"""

from __future__ import annotations

from collections.abc import Iterator

DRAWN = 10  # as a power of two: a Sobol sequence is even at powers of two


def points(dimensions: int, seed: int) -> Iterator[list[float]]:
    """1024 points, each with `dimensions` numbers from 0 up to 1; the same for the same seed."""
    from scipy.stats.qmc import Sobol

    drawn = Sobol(dimensions, scramble=True, rng=seed).random_base2(DRAWN)
    yield from drawn.tolist()
