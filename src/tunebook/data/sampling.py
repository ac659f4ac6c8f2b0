"""Held-out splits and seeded samples.

A row's rank is a hash of the seed, the purpose and its row number: the first N by rank are the
sample. So a sample of 100 is part of the sample of 200, no split's sample depends on another's
limit, and rows appended to a file leave most of a sample as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tunebook.counting import counted
from tunebook.data.checks import SPLITS
from tunebook.data.notes import Notes
from tunebook.data.overlap import input_keys
from tunebook.data.pool import Pool
from tunebook.errors import Problem, RequestError
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

HELD_OUT_SHARE = 10
HELD_OUT_AT_MOST = 500


def draw_splits(
    pools: Mapping[str, Pool], settings: DataSettings, task: Task, notes: Notes,
    made: list[str], unread: Sequence[str] = (),
) -> dict[str, Dataset]:  # fmt: skip
    """Train, validation and test: what is missing is held out of train, then limits apply.

    unread: splits that have rows of their own, which were not read; they are left out.
    Adds to `made` how they were made, where that is more than to draw rows. Raises RequestError
    where train has too few rows to hold any out.
    """
    train = pools["train"]
    missing = [split for split in ("validation", "test") if split not in (*pools, *unread)]
    held = _hold_out(train, missing, settings.seed, task, notes, made)
    drawn = {
        split: _part(pools.get(split, train), held.get(split))
        for split in SPLITS
        if split not in unread
    }
    if settings.group:
        made.append("rows of one source joined")
        drawn |= {split: _joined(pool, split, task, notes)
                  for split, pool in drawn.items() if split != "train"}  # fmt: skip
    return {split: _limited(pool, split, settings, notes) for split, pool in drawn.items()}


def _part(pool: Pool, positions: np.ndarray | None) -> Pool:
    if positions is None or len(positions) == len(pool.rows):
        return pool
    return replace(pool, dataset=pool.dataset.select(positions), rows=pool.rows[positions])


def _hold_out(
    pool: Pool, missing: list[str], seed: int, task: Task, notes: Notes, made: list[str]
) -> dict[str, np.ndarray]:
    """The positions in `pool` of each missing split, and of train without them.

    Rows of one conversation, or else of equal inputs, stay together.
    """
    if not missing:
        return {}
    there = len(pool.rows)
    count = max(1, min(HELD_OUT_AT_MOST, there // HELD_OUT_SHARE))
    groups = _groups(pool, task)
    is_left, held = np.ones(there, dtype=bool), dict[str, np.ndarray]()
    for split in missing:
        held[split] = _first_groups(is_left, groups, pool, count, seed, f"held out {split}")
        is_left[held[split]] = False
    if not is_left.any() or not all(map(len, held.values())):
        raise RequestError(_too_few(pool, groups, missing))
    whole = f"; {_together(pool, task)} stay together" if len(np.unique(groups)) < there else ""
    made += ["held out by source"] if whole else []
    for split in missing:
        notes.add(f"data.{split}: none given, so {counted(len(held[split]), 'row')} of {there} are "
                  f"held out of train (10 %, at most {HELD_OUT_AT_MOST}; data.seed={seed}{whole})"
                  )  # fmt: skip
    return {**held, "train": np.flatnonzero(is_left)}


def _groups(pool: Pool, task: Task) -> np.ndarray:
    """For each row the position of the first row that it has to stay with."""
    keys = pool.talks if pool.talks is not None else input_keys(pool.dataset, task)
    return _first_of_same(keys)


def _first_of_same(keys: np.ndarray) -> np.ndarray:
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return first[group]


def _together(pool: Pool, task: Task) -> str:
    if pool.talks is not None:
        return "the rows of a conversation"
    return f"rows of the same {' and '.join(task.inputs)}"


def _too_few(pool: Pool, groups: np.ndarray, missing: list[str]) -> Problem:
    there, different = len(pool.rows), len(np.unique(groups))
    more = "" if different == there else f" ({different} that are no repetition)"
    what = f"has {counted(there, 'usable row')}{more}, too few to hold out {' and '.join(missing)}"
    return Problem(pool.key, what, " ".join(f"Give data.{split}." for split in missing))


def _first_groups(
    is_left: np.ndarray, groups: np.ndarray, pool: Pool, count: int, seed: int, purpose: str
) -> np.ndarray:
    """Positions of whole groups of lowest rank, `count` rows of them or just more."""
    sizes = np.bincount(groups, minlength=len(groups))
    heads = np.flatnonzero(is_left & (sizes > 0) & (sizes <= max(count, sizes[sizes > 0].min())))
    heads = heads[np.argsort(ranks(pool.rows[heads], seed, purpose), kind="stable")]
    enough = np.searchsorted(np.cumsum(sizes[heads]), count) + 1
    return np.flatnonzero(np.isin(groups, heads[:enough]))


def _first(positions: np.ndarray, pool: Pool, count: int, seed: int, purpose: str) -> np.ndarray:
    """The `count` positions of lowest rank, in the order of the file."""
    order = np.argsort(ranks(pool.rows[positions], seed, purpose), kind="stable")
    return np.sort(positions[order[:count]])


def _limited(pool: Pool, split: str, settings: DataSettings, notes: Notes) -> Dataset:
    limit, there = getattr(settings.limit, split), len(pool.rows)
    if limit is not None and limit > there:
        notes.add(f"data.limit.{split}={limit}: only {counted(there, 'row')} there; all are used")
    if limit is None or limit >= there:
        return pool.dataset
    notes.add(f"data.limit.{split}: {counted(limit, 'row')} of {there}, drawn with "
              f"data.seed={settings.seed}")  # fmt: skip
    return pool.dataset.select(_first(np.arange(there), pool, limit, settings.seed, split))


def _joined(pool: Pool, split: str, task: Task, notes: Notes) -> Pool:
    """One row for all of equal inputs, with the answers of all as its references."""
    from datasets import Dataset

    first, groups = np.unique(_first_of_same(input_keys(pool.dataset, task)), return_inverse=True)
    if len(first) == len(pool.rows):
        return pool
    answers: list[list[str]] = [[] for _ in first]
    for group, row in zip(groups, pool.dataset, strict=True):
        answers[group] += [text for text in task.references(row) if text not in answers[group]]
    column = task.answer if task.fields[task.answer].many else "references"
    rows = [{**pool.dataset[int(i)], column: texts}
            for i, texts in zip(first, answers, strict=True)]  # fmt: skip
    notes.add(f"data.{split}: {counted(len(pool.rows), 'row')} are {len(first)} of different "
              f"{' and '.join(task.inputs)}, with up to {max(map(len, answers))} references "
              "(data.group=true)")  # fmt: skip
    return replace(pool, dataset=Dataset.from_list(rows), rows=pool.rows[first])


def ranks(rows: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A pseudo-random uint64 for each row number (splitmix64; Steele, Lea and Flood 2014)."""
    start = zlib.crc32(f"{seed} {purpose}".encode()) << 32
    state = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
