"""What must be equal for two runs to stand in one table, and what keeps tables apart."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from tunebook.comparison.folders import as_seen
from tunebook.comparison.keys import is_condition, is_path
from tunebook.comparison.run import Run
from tunebook.runs.environment import THAT_CHANGE_RESULTS

Conditions = Mapping[str, str]
TEST_EXAMPLES = "test examples"
DATA_CONTENT = "data_content"
"""The key of environment.json that says what the data was, where it is recorded."""


def conditions_of(run: Run, group_by: str | None = None) -> Conditions:
    """The conditions of `run` that are known; `group_by` is shown in a column, so it is none."""
    found = {key: _text(key, value) for key, value in run.settings.items() if is_condition(key)}
    if content := run.environment.get(DATA_CONTENT):
        found = {key: value for key, value in found.items() if not is_path(key)}
        found["data content"] = str(content)[:10]
    packages = run.environment.get("packages")
    if isinstance(packages, dict):
        found |= {name: str(packages.get(name, "none")) for name in THAT_CHANGE_RESULTS}
    if run.complete and run.predictions:
        name = run.metrics["headline"]["name"]
        found[f"{name} signature"] = str(run.metrics["signatures"].get(name, "none"))
        found[TEST_EXAMPLES] = f"{run.predictions.count} ({run.predictions.content})"
    found.pop(group_by or "", None)
    return found


def _text(key: str, value: Any) -> str:
    if value is None:
        return "null"
    return as_seen(value) if is_path(key) and os.path.isabs(str(value)) else str(value)


def apart(runs: Sequence[Run], group_by: str | None = None) -> list[tuple[Conditions, list[Run]]]:
    """`runs` in groups that can be compared, the largest first, each with its conditions.

    A run without scores joins the first group that nothing known about it speaks against.
    """
    groups: list[tuple[Conditions, list[Run]]] = []
    for run in sorted(runs, key=lambda run: not run.complete):
        conditions = conditions_of(run, group_by)
        if run.complete:
            fitting = [group for known, group in groups if known == conditions]
        else:
            fitting = [group for known, group in groups if _agree(known, conditions)]
        if fitting:
            max(fitting, key=len).append(run)
        else:
            groups.append((conditions, [run]))
    return sorted(groups, key=lambda group: -len(group[1]))


def _agree(one: Conditions, other: Conditions) -> bool:
    return all(one[key] == other[key] for key in one.keys() & other.keys())


def differences(groups: Sequence[Conditions]) -> list[dict[str, str]]:
    """For each group of one task, its value of every condition in which the groups differ."""
    keys = dict.fromkeys(key for group in groups for key in group)
    differing = [key for key in keys if len({group.get(key) for group in groups}) > 1]
    if any(key.startswith("data.") for key in differing):  # says it better than a hash
        differing = [key for key in differing if key not in (TEST_EXAMPLES, "data content")]
    return [{key: group.get(key, "unknown") for key in differing} for group in groups]
