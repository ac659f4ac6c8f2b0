"""Held-out splits and seeded samples.

A row's rank is a hash of the seed, the purpose and its row number: the first N by rank are the
sample. So a sample of 100 is part of the sample of 200, no split's sample depends on another's
limit, and rows appended to a file leave most of a sample as it was.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunebook.counting import counted
from tunebook.data.notes import Notes
from tunebook.data.pool import Pool
from tunebook.errors import Problem, RequestError
from tunebook.settings.schema import DataSettings

if TYPE_CHECKING:
    from datasets import Dataset

HELD_OUT_SHARE = 10
HELD_OUT_AT_MOST = 500


def draw_splits(
    pools: Mapping[str, Pool], settings: DataSettings, notes: Notes, unread: Sequence[str] = ()
) -> dict[str, Dataset]:
    """Train, validation and test: what is missing is held out of train, then limits apply.

    unread: splits that have rows of their own, which were not read; they are left out.
    Raises RequestError where train has too few rows to hold any out.
    """
    train = pools["train"]
    missing = [split for split in ("validation", "test") if split not in (*pools, *unread)]
    held = _hold_out(train, missing, settings.seed, notes)
    return {
        split: _limited(pools.get(split, train), held.get(split), split, settings, notes)
        for split in ("train", "validation", "test")
        if split not in unread
    }


def _hold_out(pool: Pool, missing: list[str], seed: int, notes: Notes) -> dict[str, np.ndarray]:
    """The positions in `pool` of each missing split, and of train without them."""
    there = len(pool.rows)
    count = max(1, min(HELD_OUT_AT_MOST, there // HELD_OUT_SHARE))
    if missing and there <= count * len(missing):
        what = f"has {counted(there, 'usable row')}, too few to hold out {' and '.join(missing)}"
        remedy = " ".join(f"Give data.{split}." for split in missing)
        raise RequestError(Problem(pool.key, what, remedy))
    is_left, held = np.ones(there, dtype=bool), {}
    for split in missing:
        held[split] = _first(np.flatnonzero(is_left), pool, count, seed, f"held out {split}")
        is_left[held[split]] = False
        held_out = counted(count, "row")
        notes.add(f"data.{split}: none given, so {held_out} of {there} are held out of train "
                  f"(10 %, at most {HELD_OUT_AT_MOST}; data.seed={seed})")  # fmt: skip
    return {**held, "train": np.flatnonzero(is_left)}


def _first(positions: np.ndarray, pool: Pool, count: int, seed: int, purpose: str) -> np.ndarray:
    """The `count` positions of lowest rank, in the order of the file."""
    order = np.argsort(ranks(pool.rows[positions], seed, purpose), kind="stable")
    return np.sort(positions[order[:count]])


def _limited(
    pool: Pool, positions: np.ndarray | None, split: str, settings: DataSettings, notes: Notes
) -> Dataset:
    positions = np.arange(len(pool.rows)) if positions is None else positions
    limit, there = getattr(settings.limit, split), len(positions)
    if limit is not None and limit < there:
        positions = _first(positions, pool, limit, settings.seed, split)
        notes.add(f"data.limit.{split}: {counted(limit, 'row')} of {there}, drawn with "
                  f"data.seed={settings.seed}")  # fmt: skip
    elif limit is not None and limit > there:
        notes.add(f"data.limit.{split}={limit}: only {counted(there, 'row')} there; all are used")
    everything = len(positions) == len(pool.rows)
    return pool.dataset if everything else pool.dataset.select(positions)


def ranks(rows: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A pseudo-random uint64 for each row number (splitmix64; Steele, Lea and Flood 2014)."""
    start = zlib.crc32(f"{seed} {purpose}".encode()) << 32
    state = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
