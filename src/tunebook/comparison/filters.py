"""Which runs are asked for: key=value words, already parsed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunebook.comparison.keys import full_key, matters
from tunebook.errors import Problem, nearest

STATE = "state"
MOST_SHOWN = 8


@dataclass(frozen=True)
class Filter:
    """Keeps the runs whose setting `key` is one of `values` or matches one of the `patterns`.

    key: a full key, a group (`method` stands for `method.name`), or `state`.
    word: what the user typed, for messages.
    """

    key: str
    values: Sequence[Any] = ()
    patterns: Sequence[str] = ()
    word: str = field(default="", compare=False)

    def keeps(self, settings: Mapping[str, Any]) -> bool:
        """Whether a run with these settings, `state` among them, is asked for."""
        key = full_key(self.key, settings)
        if key is None:
            return False
        value = settings[key]
        return any(_same(value, wanted) for wanted in self.values) or any(
            fnmatch.fnmatchcase(str(value), pattern) for pattern in self.patterns
        )


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted) or (value is not None and str(value) == str(wanted))


def problems_of(filters: Iterable[Filter], runs: Sequence[Mapping[str, Any]]) -> list[Problem]:
    """What is wrong with filters, each by itself, given the settings of all runs."""
    known = {key for settings in runs for key in settings}
    found = (_problem_of(one, runs, known) for one in filters)
    return [problem for problem in found if problem]


def _problem_of(one: Filter, runs: Sequence[Mapping[str, Any]], known: set[str]) -> Problem | None:
    word, key = one.word or one.key, full_key(one.key, known)
    if key is None:
        return Problem(word, f"no run has a setting {one.key}", nearest_key(one.key, known))
    if any(one.keeps(settings) for settings in runs):
        return None
    there = sorted({str(settings[key]) for settings in runs if key in settings})
    shown = ", ".join(there[:MOST_SHOWN]) + (", …" if len(there) > MOST_SHOWN else "")
    near = nearest(str(next(iter([*one.values, *one.patterns]), "")), there)
    remedy = f"Did you mean {near}?" if near else f"There is: {shown}."
    return Problem(word, "no run has this value", remedy)


def nearest_key(word: str, known: Iterable[str]) -> str:
    """What was probably meant by a key that no run has."""
    known = {key for key in known if matters(key)}
    known |= {key.removesuffix(".name") for key in known if key.count(".") == 1}
    ends = sorted(key for key in known if key.rsplit(".", 1)[-1] == word and key != word)
    if ends:
        return f"Did you mean {' or '.join(ends)}?"
    if near := nearest(word, known):
        return f"Did you mean {near}?"
    return "The keys are those of settings.yaml in a run's folder, such as training.learning_rate."
