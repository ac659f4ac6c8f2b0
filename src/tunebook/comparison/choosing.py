"""Settings of one method are chosen on the validation split, as `tune` does, never on test."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tunebook.comparison.rows import telling
from tunebook.comparison.table import Row

OF_A_METHOD = ("method.", "training.")
THE_METHOD = ("method.name", "method.kind")


def choose(rows: Sequence[Row]) -> list[str]:
    """Say of each row whether its settings are chosen; returns what has to be said of it.

    Rows that differ in settings of one method alone, on the same model, template and number of
    training examples, are candidates: the lowest validation loss, mean over seeds, is chosen.
    Nothing is chosen where a loss is not known.
    """
    candidates: dict[Hashable, list[Row]] = {}
    for row in rows:
        if row.runs[0].trains:
            candidates.setdefault(_all_but_settings(row), []).append(row)
    found = [some for some in candidates.values() if len(some) > 1]
    found = [some for some in found if all(row.validation_loss is not None for row in some)]
    for some in found:
        best = min(some, key=lambda row: row.validation_loss or 0.0)
        for row in some:
            row.chosen = row is best
    return [WORDS] if found else []


WORDS = (
    "Settings of one method are ranked by validation loss, mean over seeds. Only the chosen ones "
    "have a test score here: the best of several test scores is partly the luckiest."
)


def _all_but_settings(row: Row) -> Hashable:
    return frozenset(
        (key, repr(value)) for key, value in telling(row.runs[0]).items()
        if key in THE_METHOD or not key.startswith(OF_A_METHOD)
    )  # fmt: skip
