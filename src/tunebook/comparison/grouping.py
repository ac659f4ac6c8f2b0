"""Runs to rows, and to groups that can be compared: a row for runs that differ only in the seed."""

from __future__ import annotations

import itertools
import operator
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from tunebook.comparison.keys import SEED, is_condition, is_path, short_names, tells_rows_apart
from tunebook.comparison.run import Run, as_seen
from tunebook.comparison.table import Row
from tunebook.runs.environment import THAT_CHANGE_RESULTS

Conditions = Mapping[str, str]
TEST_EXAMPLES = "test examples"
DATA_CONTENT = "data_content"
"""The key of environment.json that says what the data was, where it is recorded."""
LONGEST_VALUE = 32
BEFORE_IT_DIFFERS = 8
ORDER = ("method", "training", "model", "template", "data")
ABSENT = object()


def apart(runs: Sequence[Run], group_by: str | None = None) -> list[tuple[Conditions, list[Run]]]:
    """`runs` in groups that can be compared, the largest first, each with its conditions.

    A run without scores joins the first group that nothing known about it speaks against.
    """
    groups: list[tuple[Conditions, list[Run]]] = []
    for run in sorted(runs, key=lambda run: not run.complete):
        conditions = _conditions_of(run, group_by)
        fits = operator.eq if run.complete else _agree
        fitting = [group for known, group in groups if fits(known, conditions)]
        if fitting:
            max(fitting, key=len).append(run)
        else:
            groups.append((conditions, [run]))
    return sorted(groups, key=lambda group: -len(group[1]))


def _conditions_of(run: Run, group_by: str | None) -> dict[str, str]:
    """The conditions of `run` that are known; `group_by` is shown in a column, so it is none."""
    found = {key: _text(key, value) for key, value in run.settings.items() if is_condition(key)}
    if content := run.environment.get(DATA_CONTENT):
        found = {key: value for key, value in found.items() if not is_path(key)}
        found["data content"] = str(content)[:10]
    packages = run.environment.get("packages")
    if isinstance(packages, dict):
        found |= {name: str(packages.get(name, "none")) for name in THAT_CHANGE_RESULTS}
    if run.complete and run.examples:
        name = run.metrics["headline"]["name"]
        found[f"{name} signature"] = str(run.metrics["signatures"].get(name, "none"))
        found[TEST_EXAMPLES] = f"{run.examples.count} ({run.examples.content})"
    found.pop(group_by or "", None)
    return found


def _text(key: str, value: Any) -> str:
    if value is None:
        return "null"
    return as_seen(value) if is_path(key) and os.path.isabs(str(value)) else str(value)


def _agree(one: Conditions, other: Conditions) -> bool:
    return all(one[key] == other[key] for key in one.keys() & other.keys())


def differences(groups: Sequence[Conditions]) -> list[dict[str, str]]:
    """For each group of one task, its value of every condition in which the groups differ."""
    keys = dict.fromkeys(key for group in groups for key in group)
    differing = [key for key in keys if len({group.get(key) for group in groups}) > 1]
    if any(key.startswith("data.") for key in differing):  # says it better than a hash
        differing = [key for key in differing if key not in (TEST_EXAMPLES, "data content")]
    return [{key: group.get(key, "unknown") for key in differing} for group in groups]


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


def _together(items: Iterable[Any], key: Any) -> list[list[Any]]:
    groups: dict[Hashable, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _row_key(run: Run, group_by: str | None) -> Hashable:
    parts = _telling(run)
    if group_by:
        parts[group_by] = run.setting(group_by)
    return frozenset((key, repr(value)) for key, value in parts.items())


def _telling(run: Run) -> dict[str, Any]:
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
    group = runs[0].setting(group_by) if group_by else None
    return Row(sorted(runs, key=lambda r: r.seed if isinstance(r.seed, int) else -1), group=group)


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
    for same in _together(rows, lambda row: (row.method, row.model)):
        told = [_telling(row.first) for row in same]
        keys = _naming(same, told, group_by)
        names = short_names(keys)
        shared = {key: _shared([one[key] for one in told if key in one]) for key in keys}
        for row, settings in zip(same, told, strict=True):
            known = [key for key in keys if settings.get(key) is not None]
            named = [f"{names[key]}={_short(settings[key], shared[key])}" for key in known]
            row.setting = ", ".join([*named, *_labels(row)])


def _labels(row: Row) -> Iterator[str]:
    """What has to be known of a row before its score is read."""
    if row.first.is_debug:
        yield "debug"
    untrained = [run for run in row.runs if run.is_untrained]
    if untrained:
        some = len(untrained) < len(row.runs)
        yield f"untrained ({len(untrained)} of {len(row.runs)} seeds)" if some else "untrained"


def _naming(rows: Sequence[Row], told: Sequence[dict[str, Any]], group_by: str | None) -> list[str]:
    """The keys to name rows by. What failed early is not told apart from the rest by its gaps."""
    pairs = list(zip(rows, told, strict=True))
    found: list[str] = []
    for settled in (True, False):
        some = [one for row, one in pairs if row.first.is_settled is settled]
        found += _differing(some, group_by)
    return sorted(dict.fromkeys(found), key=_place)


def _differing(told: Sequence[dict[str, Any]], group_by: str | None) -> list[str]:
    keys = dict.fromkeys(key for settings in told for key in settings)
    values = {key: {repr(settings.get(key, ABSENT)) for settings in told} for key in keys}
    found = [key for key in keys if key != group_by and len(values[key]) > 1]
    hidden = {"debug"} | ({"template.text"} if "template.name" in found else set())
    return [key for key in found if key not in hidden]


def _place(key: str) -> int:
    group = key.partition(".")[0]
    return ORDER.index(group) if group in ORDER else len(ORDER)


def _shared(values: Sequence[Any]) -> int:
    """How many characters all of several different values begin with."""
    texts = {_in_one_line(value) for value in values if value is not None}
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


OF_A_METHOD = ("method.", "training.")
THE_METHOD = ("method.name", "method.kind")
CHOSEN = (
    "Settings of one method are ranked by validation loss, mean over seeds. Only the chosen ones "
    "have a test score here: the best of several test scores is partly the luckiest."
)


def choose(rows: Sequence[Row]) -> list[str]:
    """Say of each row whether its settings are chosen; returns what has to be said of it.

    As in `tune`, settings are chosen on the validation split, never on test: rows that differ in
    settings of one method alone, on the same model, template and number of training examples, are
    candidates, and the lowest validation loss, mean over seeds, is chosen. Nothing is chosen where
    a loss is not known.
    """
    candidates = _together([row for row in rows if row.first.trains], _all_but_settings)
    found = [
        some
        for some in candidates
        if len(some) > 1 and all(row.validation_loss is not None for row in some)
    ]
    for some in found:
        best = min(some, key=lambda row: row.validation_loss or 0.0)
        for row in some:
            row.chosen = row is best
    return [CHOSEN] if found else []


def _all_but_settings(row: Row) -> Hashable:
    return frozenset(
        (key, repr(value))
        for key, value in _telling(row.first).items()
        if key in THE_METHOD or not key.startswith(OF_A_METHOD)
    )
