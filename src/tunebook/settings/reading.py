"""Plain dictionaries to typed settings, with every problem found at once."""

from __future__ import annotations

import dataclasses
import difflib
import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from tunebook import methods, tasks
from tunebook.errors import Problem, RequestError, did_you_mean, either
from tunebook.schema import FAMILIES, Settings
from tunebook.typed import fields_of, keys_below, read, read_field, read_fields, types_of

KINDS: dict[str, Any] = {"task": tasks, "method": methods}
"""The groups whose keys depend on their `kind`, with the package that has a module for each."""
DID = "Did you mean"


def settings_from(data: Mapping[str, Any]) -> Settings:
    """`data`, composed from the configuration, as settings.

    Raises RequestError that holds every problem: unknown keys, wrong types, values out of range.
    """
    problems: list[Problem] = []
    chosen = {group: _of_its_kind(group, data.get(group), problems) for group in KINDS}
    rest = {key: value for key, value in data.items() if key not in KINDS}
    others = read_fields(Settings, rest, "", problems, given=tuple(KINDS))
    problems += _wrong_defaults(data)
    if problems:
        raise RequestError([_hinted(problem, data) for problem in problems])
    settings = Settings(**chosen, **others)
    settings.outputs = str(Path(settings.outputs).expanduser()) if settings.outputs else ""
    return settings


def _of_its_kind(group: str, part: Any, problems: list[Problem]) -> Any:
    """The options of a task or a method, read as those of its kind; None where there are none."""
    if not isinstance(part, Mapping):
        problems.append(Problem(group, "is missing", f"Set {group}=NAME."))
        return None
    kind, kinds = part.get("kind"), KINDS[group].kinds()
    if kind not in kinds:
        what = f"{kind!r} is no kind of {group}"
        problems.append(Problem(f"{group}.kind", what, did_you_mean(str(kind), kinds)))
        return None
    return read(KINDS[group].options_of(kind), part, group, problems)


def hint(key: str, data: Mapping) -> str:
    """What may have been meant by `key`, which is no key of settings."""
    known = fields_of(Settings)
    return _hinted(Problem(key, "no such key", did_you_mean(key, known)), data).remedy


def _hinted(problem: Problem, data: Mapping) -> Problem:
    """What is said of a key that there is not: whose it is, where it is, or how it is spelt."""
    if problem.what != "no such key":
        return problem
    group, _, key = problem.where.rpartition(".")
    for one in (group,) if group else KINDS:
        if owners := _owners(key, one, data):
            what = f"{key} belongs to {owners}; you chose {data[one].get('name')}"
            return Problem(problem.where, what, f"Remove it, or set {owners}.")
    elsewhere = [place for place in places_of(key) if place != problem.where]
    if not elsewhere and not group and DID not in problem.remedy:
        elsewhere = _places_by_spelling(key)
    if elsewhere and not (group and DID in problem.remedy):
        return dataclasses.replace(problem, remedy=f"{DID} {' or '.join(elsewhere)}?")
    return problem


def _owners(key: str, group: str, data: Mapping) -> str:
    """The options of `group` that have `key`, where the chosen one has not."""
    package, part = KINDS.get(group), data.get(group)
    if package is None or not isinstance(part, Mapping):
        return ""
    kinds = [k for k in package.kinds() if key in fields_of(package.options_of(k))]
    return "" if part.get("kind") in kinds or not kinds else f"{group}={either(kinds)}"


def _places_by_spelling(key: str) -> list[str]:
    """The places of the nearest of all keys."""
    ends = {where.rsplit(".", 1)[-1] for where, _ in every_key()}
    near = difflib.get_close_matches(key, ends, n=1, cutoff=0.75)
    return places_of(near[0]) if near else []


def _wrong_defaults(data: Mapping) -> list[Problem]:
    """What is wrong with the defaults that a method holds by family and a model by method."""
    problems: list[Problem] = []
    for place in ("method.by_family", "model.by_method"):
        for name, values in _entries(data, place):
            if place == "method.by_family" and name not in FAMILIES:
                remedy = did_you_mean(name, FAMILIES, place)
                problems.append(Problem(f"{place}.{name}", "no such family", remedy))
            for key, value in values.items():
                _check_default(f"{place}.{name}", str(key), value, problems)
    return problems


def _entries(data: Mapping, place: str) -> Iterator[tuple[str, Mapping]]:
    group, name = place.split(".")
    part = data.get(group)
    entries = part.get(name) if isinstance(part, Mapping) else None
    for key, values in entries.items() if isinstance(entries, Mapping) else ():
        if isinstance(values, Mapping):
            yield str(key), values


def _check_default(path: str, key: str, value: Any, problems: list[Problem]) -> None:
    """A default counts only for a key that may be null, that is, wait for one."""
    known = {w: f.default is None for w, f in every_key() if w.count(".") == 1}
    group, _, name = key.partition(".")
    if key not in known:
        waiting = [key for key, may_be_null in known.items() if may_be_null]
        problems.append(Problem(f"{path}.{key}", "no such key", did_you_mean(key, waiting)))
    elif not known[key]:
        what = "always has a value, so that a default never counts"
        problems.append(Problem(f"{path}.{key}", what, f"Remove it, or set {key} itself."))
    else:
        owner = next(cls for cls in _classes_of(group) if name in fields_of(cls))
        read_field(owner, name, value, f"{path}.{group}", problems)


def _classes_of(group: str) -> list[type]:
    """The dataclasses that a part of the settings can be."""
    package = KINDS.get(group)
    if package is None:
        return [cast(type, types_of(Settings)[group])]
    return [package.options_of(kind) for kind in package.kinds()]


def places_of(key: str) -> list[str]:
    """Every full key that ends in `key`, such as training.learning_rate for learning_rate."""
    return sorted({where for where, _ in every_key() if where.rsplit(".", 1)[-1] == key})


@functools.cache
def every_key() -> tuple[tuple[str, dataclasses.Field], ...]:
    """Every key there is, in order, with its field; those of tasks and methods included."""
    return tuple(
        (where, found[-1][0])
        for where, found in _every_field().items()
        if not dataclasses.is_dataclass(found[-1][1])
    )


@functools.cache
def every_type() -> Mapping[str, tuple[Any, ...]]:
    """Each key with the types that it has: one, or one for each kind of task or method."""
    return {
        where: tuple(dict.fromkeys(kind for _, kind in found))
        for where, found in _every_field().items()
    }


@functools.cache
def _every_field() -> Mapping[str, list[tuple[dataclasses.Field, Any]]]:
    """Field and type of every key and group, once for each class that has it."""
    found: dict[str, list[tuple[dataclasses.Field, Any]]] = {}
    kinds = [(cls, group) for group in KINDS for cls in _classes_of(group)]
    for cls, path in [(Settings, ""), *kinds]:
        for where, field, kind in keys_below(cls, path):
            found.setdefault(where, []).append((field, kind))
    return found
