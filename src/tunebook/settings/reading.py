"""Plain dictionaries to typed settings, with every problem found at once."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

from tunebook import methods, tasks
from tunebook.errors import Problem, RequestError, did_you_mean, either
from tunebook.schema import FAMILIES, MethodSettings, Settings, TaskSettings
from tunebook.typed import fields_of, join, read, read_field, types_of


def settings_from(data: Mapping[str, Any]) -> Settings:
    """`data`, composed from the configuration, as settings.

    Raises RequestError that holds every problem: unknown keys, wrong types, values out of range.
    """
    problems: list[Problem] = []
    task = _read_kind("task", data, tasks.kinds(), tasks.options_of, problems)
    method = _read_kind("method", data, methods.kinds(), methods.options_of, problems)
    rest = {key: value for key, value in data.items() if key not in ("task", "method")}
    others = _read_rest(rest, problems)
    problems += _wrong_defaults(data)
    if problems:
        raise RequestError(_with_hints(problems, data))
    settings = Settings(
        task=cast(TaskSettings, task), method=cast(MethodSettings, method), **others
    )
    settings.outputs = str(Path(settings.outputs).expanduser()) if settings.outputs else ""
    return settings


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
        Problem(key, "no such key", did_you_mean(key, [*known, "task", "method"]))
        for key in data
        if key not in known
    )
    problems.extend(
        Problem(name, "is missing", f"Set {name}=NAME.")
        for name, field in known.items()
        if name not in data and field.kw_only
    )
    return {n: read_field(Settings, n, data[n], "", problems) for n in known if n in data}


def hint(key: str, data: Mapping) -> str:
    """What may have been meant by `key`, which is no key of settings."""
    known = fields_of(Settings)
    return _hinted(Problem(key, "no such key", did_you_mean(key, known)), data).remedy


def _with_hints(problems: Iterable[Problem], data: Mapping) -> list[Problem]:
    return [_hinted(problem, data) for problem in problems]


def _hinted(problem: Problem, data: Mapping) -> Problem:
    if problem.what != "no such key":
        return problem
    group, _, key = problem.where.rpartition(".")
    for kind_of in (group,) if group else tuple(KINDS):
        if owners := _owners(key, kind_of, data):
            chosen = data[kind_of].get("name")
            what = f"{key} belongs to {owners}; you chose {chosen}"
            return Problem(problem.where, what, f"Remove it, or set {owners}.")
    elsewhere = [place for place in places_of(key) if place != problem.where]
    if elsewhere and not (group and "Did you mean" in problem.remedy):
        return Problem(problem.where, problem.what, f"Did you mean {' or '.join(elsewhere)}?")
    if not group and "Did you mean" not in problem.remedy:
        return _hinted_by_spelling(problem)
    return problem


def _hinted_by_spelling(problem: Problem) -> Problem:
    """A key without its group and misspelt: the nearest of all keys."""
    ends = {where.rsplit(".", 1)[-1] for where, _ in every_key()}
    near = difflib.get_close_matches(problem.where, ends, n=1, cutoff=0.75)
    places = places_of(near[0]) if near else []
    remedy = f"Did you mean {' or '.join(places)}?" if places else problem.remedy
    return dataclasses.replace(problem, remedy=remedy)


KINDS: dict[str, Any] = {"method": methods, "task": tasks}


def _owners(key: str, group: str, data: Mapping) -> str:
    """The options of `group` that have `key`, where the chosen one has not."""
    package, part = KINDS.get(group), data.get(group)
    if package is None or not isinstance(part, Mapping):
        return ""
    kinds = [k for k in package.kinds() if key in fields_of(package.options_of(k))]
    return "" if part.get("kind") in kinds or not kinds else f"{group}={either(kinds)}"


def _wrong_defaults(data: Mapping) -> list[Problem]:
    """What is wrong with the defaults that a method holds by family and a model by method."""
    problems: list[Problem] = []
    known = {w: f.default is None for w, f in every_key() if w.count(".") == 1}
    for place in ("method.by_family", "model.by_method"):
        for name, values in _entries(data, place):
            if place == "method.by_family" and name not in FAMILIES:
                remedy = did_you_mean(name, FAMILIES, place)
                problems.append(Problem(f"{place}.{name}", "no such family", remedy))
            for key, value in values.items():
                _check_default(f"{place}.{name}", str(key), value, known, problems)
    return problems


def _entries(data: Mapping, place: str) -> list[tuple[str, Mapping]]:
    group, name = place.split(".")
    part = data.get(group)
    entries = part.get(name) if isinstance(part, Mapping) else None
    entries = entries if isinstance(entries, Mapping) else {}
    return [(str(key), values) for key, values in entries.items() if isinstance(values, Mapping)]


def _check_default(
    path: str, key: str, value: Any, known: Mapping[str, bool], problems: list[Problem]
) -> None:
    """`known` says of each key whether it may be null, that is, wait for a default."""
    group, _, name = key.partition(".")
    if key not in known:
        waiting = [key for key, may_be_null in known.items() if may_be_null]
        problems.append(Problem(f"{path}.{key}", "no such key", did_you_mean(key, waiting)))
    elif not known[key]:
        what = "always has a value, so that a default never counts"
        problems.append(Problem(f"{path}.{key}", what, f"Remove it, or set {key} itself."))
    else:
        owner = cast(type, types_of(Settings)[group])
        read_field(owner, name, value, f"{path}.{group}", problems)


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


@functools.cache
def every_type() -> Mapping[str, tuple[Any, ...]]:
    """Each key with the types that it has: one, or one for each kind of task or method."""
    found: dict[str, tuple[Any, ...]] = {}
    for cls, path in _parts():
        for name, kind in types_of(cls).items():
            where = join(path, name)
            found[where] = tuple(dict.fromkeys((*found.get(where, ()), kind)))
    return found


def _parts() -> Iterable[tuple[type, str]]:
    """Each dataclass of settings with the path of its keys."""
    yield Settings, ""
    for name, kind in types_of(Settings).items():
        if dataclasses.is_dataclass(kind) and name not in KINDS:
            yield cast(type, kind), name
    yield cast(type, types_of(cast(type, types_of(Settings)["data"]))["limit"]), "data.limit"
    for group, package in KINDS.items():
        for kind in package.kinds():
            yield package.options_of(kind), group


def _keys_below(cls: type, path: str) -> Iterable[tuple[str, dataclasses.Field]]:
    for name, field in fields_of(cls).items():
        kind = types_of(cls)[name]
        if dataclasses.is_dataclass(kind):
            yield from _keys_below(cast(type, kind), join(path, name))
        else:
            yield join(path, name), field
