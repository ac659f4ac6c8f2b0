"""How often the verdicts of a table err, by simulation; docs/statistics.md quotes what this prints.

python tests/comparison/rates.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from tunebook.comparison.significance import Sample, corrected, interval, p_values, samples

EXAMPLES = 100
RESAMPLES = 200  # a comparison of finished runs draws ten times as many
ALPHA = 0.05


def equal_methods(
    generator: np.random.Generator, seeds: list[int], of_seed: float
) -> tuple[list[Sample], float]:
    """Rows of equally good methods, one for each number of seeds, and their true score.

    An example has its difficulty (sd 20, the same for all), a method its own way with it (sd 8), a
    seed its luck (sd `of_seed`), and each answer its noise (sd 10). 0 seeds: a method that trains
    nothing, which is run once and has neither luck nor another answer.
    """
    difficulty = generator.normal(50, 20, EXAMPLES)
    rows = []
    for count in seeds:
        of_method = difficulty + generator.normal(0, 8, EXAMPLES)
        luck = generator.normal(0, of_seed if count else 0.0, (count or 1, 1))
        scores = of_method + luck + generator.normal(0, 10, (count or 1, EXAMPLES))
        rows.append(list(scores[:, :, None]))
    return samples("f1", rows, RESAMPLES, seed=int(generator.integers(1 << 32))), 50.0


def called_worse(seeds: list[int], of_seed: float, tables: int = 400, number: int = 7) -> float:
    """The share of tables in which some row is called worse than the highest one."""
    generator = np.random.default_rng(number)
    found = 0
    for _ in range(tables):
        rows, _ = equal_methods(generator, seeds, of_seed)
        best = int(np.argmax([row.mean for row in rows]))
        found += bool((corrected(p_values(rows))[best] < ALPHA).any())
    return found / tables


def covered(seeds: int, of_seed: float, rows: int = 400, number: int = 3) -> float:
    """The share of intervals that hold the true score."""
    generator = np.random.default_rng(number)
    found = 0
    for _ in range(rows):
        (row,), truth = equal_methods(generator, [seeds], of_seed)
        low, high = interval(row)
        found += low <= truth <= high
    return found / rows


DEVIATIONS = (0.0, 1.0, 2.0, 6.0)


def lines(tables: int) -> Iterator[str]:
    """The tables of docs/statistics.md, in Markdown."""
    heads = " | ".join(f"{of_seed:g}" for of_seed in DEVIATIONS)
    yield f"| some row called worse, seed deviation | {heads} |\n|---|{'---|' * len(DEVIATIONS)}"
    for name, seeds in (
        ("2 methods, 2 seeds each", [2, 2]), ("2 methods, 3 seeds each", [3, 3]),
        ("2 methods, 5 seeds each", [5, 5]), ("4 methods, 3 seeds each", [3] * 4),
        ("6 methods, 3 seeds each", [3] * 6), ("6 methods, 2 seeds each", [2] * 6),
        ("2 seeds and a fixed method", [2, 0]), ("3 seeds and a fixed method", [3, 0]),
    ):  # fmt: skip
        rates = [f"{100 * called_worse(seeds, one, tables):.1f}" for one in DEVIATIONS]
        yield f"| {name} | {' | '.join(rates)} |"
    yield f"\n| interval holds the true score, seed deviation | {heads} |"
    yield f"|---|{'---|' * len(DEVIATIONS)}"
    for seeds in (2, 3, 5):
        rates = [f"{100 * covered(seeds, one, tables):.1f}" for one in DEVIATIONS]
        yield f"| {seeds} seeds | {' | '.join(rates)} |"


if __name__ == "__main__":
    for line in lines(int(sys.argv[1]) if len(sys.argv) > 1 else 1000):
        print(line, flush=True)
