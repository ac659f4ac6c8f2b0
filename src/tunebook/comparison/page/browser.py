"""Test examples with the answers of every row side by side, as many as fit into the page."""

from __future__ import annotations

import collections
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.comparison.examples import read_answers
from tunebook.comparison.plots.figure import label_of
from tunebook.comparison.run import Run
from tunebook.comparison.table import Table
from tunebook.documents import BrokenDocument

MOST_BYTES = 6_000_000
"""Of all examples in a page together."""
MOST_SIDES = 16
LONGEST_TEXT = 4000


def examples_of(table: Table, most_bytes: int = MOST_BYTES) -> dict[str, Any] | None:
    """What the page needs to show examples of a table; None where no row is complete.

    sides: name and seed of the run whose answers are shown for each row.
    examples: in the order of the test set, each with its `id`, its place `at`, `references`,
        `prompts` (each text once, the commonest first), `answers` ([text, score, number of its
        prompt] a side) and `spread`, the standard deviation of the sides' scores.
    left_out: a sentence where not all examples, or not all rows, are there; else empty.
    """
    known = [(row, _answers(row.first)) for row in table.scored[:MOST_SIDES]]
    rows = [row for row, answers in known if answers]
    if not rows:
        return None
    rivals = zip(*(answers for _, answers in known if answers), strict=True)
    examples = [_example(at, same, table.headline) for at, same in enumerate(rivals)]
    kept = _that_fit(examples, most_bytes)
    return {
        "headline": table.headline,
        "higherIsBetter": table.higher_is_better,
        "sides": [
            # The run of the lowest seed: chosen before any score is seen.
            {"name": label_of(row, table), "seed": row.first.seed, "seeds": len(row.runs)}
            for row in rows
        ],
        "examples": kept,
        "leftOut": _left_out(len(kept), len(examples), len(rows), len(table.scored)),
    }


def _answers(run: Run) -> list[dict[str, Any]]:
    """Empty where they cannot be read, such as a prompt that the table has no need of."""
    try:
        return read_answers(run.path / "predictions.jsonl")
    except BrokenDocument:
        return []


def _example(at: int, rows: Sequence[Mapping[str, Any]], headline: str) -> dict[str, Any]:
    prompts = _commonest_first([str(row.get("prompt", "")) for row in rows])
    scores = [row["scores"]["after"].get(headline) for row in rows]
    scores = [score if _is_number(score) else None for score in scores]
    known = [score for score in scores if score is not None]
    return {
        "id": str(rows[0]["id"]),
        "at": at,
        "references": [_clipped(str(text)) for text in rows[0]["references"]],
        "prompts": [_clipped(text) for text in prompts],
        "answers": [
            [_clipped(str(row["after"])), score, prompts.index(str(row.get("prompt", "")))]
            for row, score in zip(rows, scores, strict=True)
        ],
        "spread": statistics.pstdev(known) if len(known) > 1 else 0.0,
    }


def _is_number(score: Any) -> bool:
    return isinstance(score, int | float) and math.isfinite(score)


def _commonest_first(prompts: Sequence[str]) -> list[str]:
    counted = collections.Counter(prompts)
    return sorted(counted, key=lambda prompt: (-counted[prompt], len(prompt)))


def _clipped(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}… ({len(text) - LONGEST_TEXT:,} more characters)"


def _that_fit(examples: Sequence[dict[str, Any]], most_bytes: int) -> list[dict[str, Any]]:
    """Those on which the rows disagree most, until the room is used; in their own order."""
    kept: list[dict[str, Any]] = []
    used = 0
    for example in sorted(examples, key=lambda example: -example["spread"]):
        used += len(json.dumps(example, ensure_ascii=False).encode("utf-8", "replace"))
        if used > most_bytes and kept:
            break
        kept.append(example)
    return sorted(kept, key=lambda example: example["at"])


def _left_out(kept: int, examples: int, sides: int, rows: int) -> str:
    found = []
    if kept < examples:
        found.append(
            f"To keep the page small it holds {kept:,} of {examples:,} test examples: those on "
            "which the rows disagree most."
        )
    if sides < rows:
        which = f"first {sides}" if sides == MOST_SIDES else str(sides)
        found.append(
            f"Only the {which} of the table's {rows} rows whose answers can be read are here."
        )
    return " ".join(found)
