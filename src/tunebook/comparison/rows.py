"""Runs to rows: one row for the runs that differ in nothing but the seed."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

from tunebook.comparison.folders import as_seen
from tunebook.comparison.keys import SEED, is_path, short_names, tells_rows_apart
from tunebook.comparison.run import Run
from tunebook.comparison.table import Row

LONGEST_VALUE = 32
BEFORE_IT_DIFFERS = 8
ORDER = ("method", "training", "model", "template", "data")
ABSENT = object()


def rows_of(runs: Sequence[Run], group_by: str | None = None) -> tuple[list[Row], list[str]]:
    """The rows that `runs` make, and notes on runs that were left out of them."""
    found: list[Row] = []
    notes: list[str] = []
    for same in _together(runs, lambda run: _row_key(run, group_by)):
        complete, left_out = _one_for_each_seed([run for run in same if run.complete])
        notes += left_out
        if complete:
            found.append(_row(complete, group_by))
        seeds = {run.seed for run in complete}
        others = [run for run in same if not run.complete and run.seed not in seeds]
        groups = _together(others, lambda run: (run.state, run.reason))
        found += [_row(group, group_by) for group in groups]
    _name_settings(found, group_by)
    return found, notes


def _together(runs: Iterable[Run], key: Any) -> list[list[Run]]:
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _row_key(run: Run, group_by: str | None) -> Hashable:
    parts = telling(run)
    if group_by:
        parts[group_by] = run.setting(group_by)
    return frozenset((key, repr(value)) for key, value in parts.items())


def telling(run: Run) -> dict[str, Any]:
    """The settings by which the rows of a table are told apart."""
    content_is_known = "model.content" in run.settings
    found = {
        key: value
        for key, value in run.settings.items()
        if tells_rows_apart(key, trains=run.trains) and not (is_path(key) and content_is_known)
    }
    if SEED not in run.settings and "label" in run.settings:
        found["label"] = run.settings["label"]  # all that a run without settings is known by
    return found


def _row(runs: Sequence[Run], group_by: str | None) -> Row:
    first = runs[0]
    group = first.setting(group_by) if group_by else None
    ordered = sorted(runs, key=lambda run: run.seed if isinstance(run.seed, int) else -1)
    return Row(first.method, first.model, ordered, group=group, state=first.state,
               reason=first.reason)  # fmt: skip


def _one_for_each_seed(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The newest of those of one seed; a note where an older one has another score."""
    kept: list[Run] = []
    notes = []
    for same in _together(runs, lambda run: run.seed):
        newest = max(same, key=lambda run: (run.path / "metrics.json").stat().st_mtime)
        kept.append(newest)
        if any(run.score != newest.score for run in same):
            notes.append(
                f"{len(same)} runs of {newest.method} on {newest.model} have the same settings and "
                f"seed {newest.seed}; the newest counts: {as_seen(newest.path)}"
            )
    return kept, notes


def _name_settings(rows: Sequence[Row], group_by: str | None) -> None:
    """Tell rows of one method and model apart by the settings in which they differ."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.method, row.model), []).append(row)
    for same in groups.values():
        told = [telling(row.runs[0]) for row in same]
        keys = _naming(same, told, group_by)
        names = short_names(keys)
        shared = {key: _shared([one[key] for one in told if one.get(key) is not None])
                  for key in keys}  # fmt: skip
        for row, settings in zip(same, told, strict=True):
            named = [f"{names[key]}={_short(settings[key], shared[key])}"
                     for key in keys if settings.get(key) is not None]  # fmt: skip
            row.setting = ", ".join([*named, *_labels(row)])


def _labels(row: Row) -> Iterator[str]:
    """What has to be known of a row before its score is read."""
    if row.runs[0].is_debug:
        yield "debug"
    untrained = [run for run in row.runs if run.is_untrained]
    if untrained:
        some = len(untrained) < len(row.runs)
        yield f"untrained ({len(untrained)} of {len(row.runs)} seeds)" if some else "untrained"


def _naming(rows: Sequence[Row], told: Sequence[dict[str, Any]], group_by: str | None) -> list[str]:
    """The keys to name rows by. What failed early is not told apart from the rest by its gaps."""
    settled = [row.runs[0].is_settled for row in rows]
    found: list[str] = []
    for kind in (True, False):
        some = [one for one, is_settled in zip(told, settled, strict=True) if is_settled is kind]
        found += _differing(some, group_by)
    return sorted(dict.fromkeys(found), key=_place)


def _differing(told: Sequence[dict[str, Any]], group_by: str | None) -> list[str]:
    keys = dict.fromkeys(key for settings in told for key in settings)
    found = [
        key for key in keys
        if key != group_by and len({repr(settings.get(key, ABSENT)) for settings in told}) > 1
    ]  # fmt: skip
    hidden = {"debug"} | ({"template.text"} if "template.name" in found else set())
    return [key for key in found if key not in hidden]


def _place(key: str) -> int:
    group = key.partition(".")[0]
    return ORDER.index(group) if group in ORDER else len(ORDER)


def _shared(values: Sequence[Any]) -> int:
    """How many characters all of several different values begin with."""
    texts = {_in_one_line(value) for value in values}
    if len(texts) < 2:
        return 0
    places = zip(*texts, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda signs: len(set(signs)) == 1, places))


def _short(value: Any, shared: int) -> str:
    """A value, cut so that where it begins to differ from the others can be seen."""
    text = _in_one_line(value)
    if len(text) > LONGEST_VALUE <= shared + BEFORE_IT_DIFFERS:
        text = "…" + text[max(0, shared - BEFORE_IT_DIFFERS) :]
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1] + "…"


def _in_one_line(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else " ".join(str(value).split())
