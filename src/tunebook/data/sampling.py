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
from tunebook.data.cache import UsableRows
from tunebook.data.faults import Notes
from tunebook.data.overlap import input_keys
from tunebook.data.sources import SPLITS
from tunebook.errors import Problem, RequestError
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

HELD_OUT_SHARE = 10
HELD_OUT_AT_MOST = 500


class Sample:
    """Draws the splits of a run; `made` says how, where that is more than to draw rows."""

    def __init__(self, settings: DataSettings, task: Task, notes: Notes) -> None:
        self.settings, self.task, self.notes = settings, task, notes
        self.made: list[str] = []
        self._inputs = " and ".join(task.inputs)

    def draw(
        self, found: Mapping[str, UsableRows], unread: Sequence[str] = ()
    ) -> dict[str, Dataset]:
        """Train, validation and test: what is missing is held out of train, then limits apply.

        unread: splits that have rows of their own, which were not read; they are left out.
        Raises RequestError where train has too few rows to hold any out.
        """
        missing = [split for split in ("validation", "test") if split not in (*found, *unread)]
        drawn = {split: found[split] for split in SPLITS if split in found}
        if missing:
            drawn |= self._hold_out(found["train"], missing)
        if self.settings.group:
            self.made.append("rows of one source joined")
        joined = {s: self._joined(drawn[s], s) for s in SPLITS if s in drawn}
        return {split: self._limited(rows, split) for split, rows in joined.items()}

    def _hold_out(self, rows: UsableRows, missing: list[str]) -> dict[str, UsableRows]:
        """The rows of each missing split, and of train without them.

        Rows of one conversation, or else of equal inputs, stay together.
        """
        there = len(rows.numbers)
        count = max(1, min(HELD_OUT_AT_MOST, there // HELD_OUT_SHARE))
        groups = self._groups(rows)
        is_left, held = np.ones(there, dtype=bool), dict[str, np.ndarray]()
        for split in missing:
            ranked = self._ranks(rows, f"held out {split}")
            held[split] = _first_groups(is_left, groups, ranked, count)
            is_left[held[split]] = False
        if not is_left.any() or not all(map(len, held.values())):
            raise RequestError(_too_few(rows, groups, missing))
        whole = ""
        if len(np.unique(groups)) < there:
            of_one = "a conversation" if rows.talks is not None else f"the same {self._inputs}"
            whole = f"; {'the ' if rows.talks is not None else ''}rows of {of_one} stay together"
            self.made.append("held out by source")
        for split in missing:
            how = f"10 %, at most {HELD_OUT_AT_MOST}; data.seed={self.settings.seed}{whole}"
            some = f"{counted(len(held[split]), 'row')} of {there}"
            self.notes.add(f"data.{split}: none given, so {some} are held out of train ({how})")
        return {s: _some(rows, at) for s, at in {**held, "train": np.flatnonzero(is_left)}.items()}

    def _groups(self, rows: UsableRows) -> np.ndarray:
        """For each row the position of the first row that it has to stay with."""
        keys = rows.talks if rows.talks is not None else input_keys(rows.dataset, self.task)
        return _first_of_same(keys)

    def _joined(self, rows: UsableRows, split: str) -> UsableRows:
        """One row for all of equal inputs, with the answers of all as its references."""
        from datasets import Dataset

        if not self.settings.group or split == "train":
            return rows
        same = _first_of_same(input_keys(rows.dataset, self.task))
        first, groups = np.unique(same, return_inverse=True)
        if len(first) == len(rows.numbers):
            return rows
        answers: list[list[str]] = [[] for _ in first]
        for group, row in zip(groups, rows.dataset, strict=True):
            known = answers[group]
            known += [text for text in self.task.references(row) if text not in known]
        is_many = self.task.fields[self.task.answer].many
        column = self.task.answer if is_many else "references"
        heads = rows.dataset.select(first)
        joined = [{**row, column: texts} for row, texts in zip(heads, answers, strict=True)]
        what = f"{len(first)} of different {self._inputs}"
        most = f"with up to {max(map(len, answers))} references (data.group=true)"
        self.notes.add(f"data.{split}: {counted(len(rows.numbers), 'row')} are {what}, {most}")
        return replace(rows, dataset=Dataset.from_list(joined), numbers=rows.numbers[first])

    def _limited(self, rows: UsableRows, split: str) -> Dataset:
        limit, there = getattr(self.settings.limit, split), len(rows.numbers)
        if limit is not None and limit > there:
            only = f"only {counted(there, 'row')} there; all are used"
            self.notes.add(f"data.limit.{split}={limit}: {only}")
        if limit is None or limit >= there:
            return rows.dataset
        how = f"drawn with data.seed={self.settings.seed}"
        self.notes.add(f"data.limit.{split}: {counted(limit, 'row')} of {there}, {how}")
        order = np.argsort(self._ranks(rows, split), kind="stable")
        return rows.dataset.select(np.sort(order[:limit]))

    def _ranks(self, rows: UsableRows, purpose: str) -> np.ndarray:
        return ranks(rows.numbers, self.settings.seed, purpose)


def _some(rows: UsableRows, positions: np.ndarray) -> UsableRows:
    return replace(rows, dataset=rows.dataset.select(positions), numbers=rows.numbers[positions])


def _first_of_same(keys: np.ndarray) -> np.ndarray:
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return first[group]


def _too_few(rows: UsableRows, groups: np.ndarray, missing: list[str]) -> Problem:
    there, different = len(rows.numbers), len(np.unique(groups))
    more = "" if different == there else f" ({different} that are no repetition)"
    what = f"has {counted(there, 'usable row')}{more}, too few to hold out {' and '.join(missing)}"
    return Problem(rows.key, what, " ".join(f"Give data.{split}." for split in missing))


def _first_groups(
    is_left: np.ndarray, groups: np.ndarray, ranked: np.ndarray, count: int
) -> np.ndarray:
    """Positions of whole groups of lowest rank, `count` rows of them or just more."""
    sizes = np.bincount(groups, minlength=len(groups))
    heads = np.flatnonzero(is_left & (sizes > 0) & (sizes <= max(count, sizes[sizes > 0].min())))
    heads = heads[np.argsort(ranked[heads], kind="stable")]
    enough = np.searchsorted(np.cumsum(sizes[heads]), count) + 1
    return np.flatnonzero(np.isin(groups, heads[:enough]))


def ranks(rows: np.ndarray, seed: int, purpose: str) -> np.ndarray:
    """A pseudo-random uint64 for each row number (splitmix64; Steele, Lea and Flood 2014)."""
    start = zlib.crc32(f"{seed} {purpose}".encode()) << 32
    state = rows.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(start)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
