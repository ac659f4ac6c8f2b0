"""Plain dictionaries to typed settings, with every problem found at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, cast

from tunebook import methods, tasks
from tunebook.errors import Problem, RequestError
from tunebook.settings.schema import MethodSettings, Settings, TaskSettings
from tunebook.settings.typed import did_you_mean, fields_of, join, read, read_field, types_of


def settings_from(data: Mapping[str, Any]) -> Settings:
    """`data`, composed from the configuration, as settings.

    Raises RequestError that holds every problem: unknown keys, wrong types, values out of range.
    """
    problems: list[Problem] = []
    task = _read_kind("task", data, tasks.kinds(), tasks.options_of, problems)
    method = _read_kind("method", data, methods.kinds(), methods.options_of, problems)
    rest = {key: value for key, value in data.items() if key not in ("task", "method")}
    others = _read_rest(rest, problems)
    if problems:
        raise RequestError(_with_hints(problems, data))
    return Settings(task=cast(TaskSettings, task), method=cast(MethodSettings, method), **others)


def _read_kind(
    group: str, data: Mapping, kinds: list[str], options_of: Any, problems: list[Problem]
) -> Any:
    part = data.get(group)
    if not isinstance(part, Mapping):
        problems.append(Problem(group, "is missing", f"Set {group}=NAME."))
        return None
    kind = part.get("kind")
    if kind not in kinds:
        what = f"{kind!r} is no kind of {group}"
        problems.append(Problem(f"{group}.kind", what, did_you_mean(str(kind), kinds)))
        return None
    return read(options_of(kind), part, group, problems)


def _read_rest(data: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    known = {n: f for n, f in fields_of(Settings).items() if n not in ("task", "method")}
    problems.extend(
        Problem(key, "no such key", did_you_mean(key, known)) for key in data if key not in known
    )
    problems.extend(
        Problem(name, "is missing", f"Set {name}=NAME.")
        for name, field in known.items()
        if name not in data and field.kw_only
    )
    return {n: read_field(Settings, n, data[n], "", problems) for n in known if n in data}


def _with_hints(problems: Iterable[Problem], data: Mapping) -> list[Problem]:
    return [_hinted(problem, data) for problem in problems]


def _hinted(problem: Problem, data: Mapping) -> Problem:
    if problem.what != "no such key":
        return problem
    group, _, key = problem.where.rpartition(".")
    owner = _owner_of(key, group)
    if owner:
        chosen = data.get(group, {}).get("name")
        what = f"{key} belongs to {group}={owner}; you chose {chosen}"
        return Problem(problem.where, what, f"Remove it, or set {group}={owner}.")
    elsewhere = [place for place in places_of(key) if place != problem.where]
    if elsewhere and not (group and "Did you mean" in problem.remedy):
        return Problem(problem.where, problem.what, f"Did you mean {' or '.join(elsewhere)}?")
    return problem


def _owner_of(key: str, group: str) -> str:
    packages: dict[str, Any] = {"method": methods, "task": tasks}
    if group not in packages:
        return ""
    package = packages[group]
    return " or ".join(k for k in package.kinds() if key in fields_of(package.options_of(k)))


def places_of(key: str) -> list[str]:
    """Every full key that ends in `key`, such as training.learning_rate for learning_rate."""
    return sorted({where for where, _ in every_key() if where.rsplit(".", 1)[-1] == key})


def every_key() -> list[tuple[str, dataclasses.Field]]:
    """Every key there is, in order, with its field; those of tasks and methods included."""
    found = list(_keys_below(Settings, ""))
    for group, package in (("task", tasks), ("method", methods)):
        for kind in package.kinds():
            found.extend(_keys_below(package.options_of(kind), group))
    return list({where: (where, field) for where, field in found}.values())


def _keys_below(cls: type, path: str) -> Iterable[tuple[str, dataclasses.Field]]:
    for name, field in fields_of(cls).items():
        kind = types_of(cls)[name]
        if dataclasses.is_dataclass(kind):
            yield from _keys_below(cast(type, kind), join(path, name))
        else:
            yield join(path, name), field
