"""Dataclasses whose fields say what they allow, read from plain dictionaries.

`setting` declares a field; `read` turns a dictionary into a dataclass and collects every problem
instead of stopping at the first.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import os
import types
import typing
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tunebook.errors import Problem, did_you_mean

T = TypeVar("T")
MISSING = dataclasses.MISSING


def setting(
    default: Any,
    description: str,
    *,
    choices: Iterable[Any] | None = None,
    at_least: float | None = None,
    above: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
    changes_result: bool = True,
    is_path: bool = False,
) -> Any:
    """Declare a dataclass field: its default, one line for `--help`, and what values it allows.

    `changes_result=False` keeps the field out of a run's fingerprint; `is_path` says that its text
    names a file or folder.
    """
    rules = {
        "description": description,
        "choices": None if choices is None else tuple(choices),
        "at_least": at_least,
        "above": above,
        "below": below,
        "at_most": at_most,
        "is_path": is_path,
        "changes_result": changes_result,
    }
    if isinstance(default, dict | list):
        made = functools.partial(type(default), default)
        return dataclasses.field(default_factory=made, metadata=rules)
    if isinstance(default, type):
        return dataclasses.field(default_factory=default, metadata=rules)
    return dataclasses.field(default=default, metadata=rules)


def aside(default: Any, description: str, **rules: Any) -> Any:
    """Declare a field that changes no result, so that a run's fingerprint leaves it out."""
    return setting(default, description, changes_result=False, **rules)


def required(description: str, **rules: Any) -> Any:
    """Declare a field that has no default: the configuration must give it."""
    field = setting(None, description, **rules)
    return dataclasses.field(metadata=field.metadata, kw_only=True)


@functools.cache
def types_of(cls: type) -> dict[str, Any]:
    """Each field's resolved type."""
    hints = typing.get_type_hints(cls)
    return {name: hints[name] for name in fields_of(cls)}


def fields_of(cls: type) -> dict[str, dataclasses.Field[Any]]:
    """Each field of a dataclass by name."""
    return {field.name: field for field in dataclasses.fields(cls)}


def keys_below(cls: type, path: str) -> Iterator[tuple[str, dataclasses.Field[Any], Any]]:
    """Every key of a dataclass below `path`, with its field and type; groups before their keys."""
    for name, field in fields_of(cls).items():
        where, kind = join(path, name), types_of(cls)[name]
        yield where, field, kind
        if dataclasses.is_dataclass(kind):
            yield from keys_below(typing.cast(type, kind), where)


def read(cls: type[T], data: Any, path: str, problems: list[Problem]) -> T | None:
    """`data` as an instance of the dataclass `cls`; problems are appended, named below `path`.

    Returns None where the values cannot make an instance.
    """
    if not isinstance(data, Mapping):
        problems.append(_no_keys(path, data, fields_of(cls)))
        return None
    found_before = len(problems)
    values = read_fields(cls, data, path, problems)
    return cls(**values) if len(problems) == found_before else None


def read_fields(
    cls: type, data: Mapping, path: str, problems: list[Problem], given: Container[str] = ()
) -> dict[str, Any]:
    """The values of `data` by the fields of `cls`; what is unknown or missing is reported, too.

    Fields that are `given` otherwise are not missed.
    """
    known, values = fields_of(cls), {}
    for key in data:
        if key not in known:
            where = join(path, str(key))
            problems.append(Problem(where, "no such key", did_you_mean(str(key), known, path)))
    for name, field in known.items():
        if name in data:
            values[name] = read_field(cls, name, data[name], path, problems)
        elif name not in given and field.default is field.default_factory is MISSING:
            problems.append(_missing(join(path, name), field, types_of(cls)[name]))
    return values


def _missing(where: str, field: dataclasses.Field, kind: Any) -> Problem:
    remedy = f"Set {where}=NAME." if dataclasses.is_dataclass(kind) else ""
    return Problem(where, "is missing", remedy or field.metadata["description"])


def _no_keys(where: str, value: Any, known: Iterable[str] = ("KEY",)) -> Problem:
    keys = " or ".join(join(where, key) for key in itertools.islice(known, 3))
    return Problem(where, f"holds keys of its own, so it cannot be {_shown(value)}", f"Set {keys}.")


def read_field(cls: type, name: str, value: Any, path: str, problems: list[Problem]) -> Any:
    """`value` as the field `name` of `cls`; a value that does not fit is reported."""
    where, found_before = join(path, name), len(problems)
    value = convert(types_of(cls)[name], value, where, problems)
    if len(problems) == found_before:
        problems.extend(_broken_rules(fields_of(cls)[name], value, where))
    return value


def join(path: str, key: str) -> str:
    """`path.key`, or `key` at the top."""
    return f"{path}.{key}" if path else key


def convert(kind: Any, value: Any, where: str, problems: list[Problem]) -> Any:
    """`value` as the type `kind`; a value that does not fit is reported and returned as it is."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(kind), value, where, problems)
    if origin is dict or kind is dict:
        return _convert_dict(typing.get_args(kind), value, where, problems)
    if origin is list:
        return _convert_list(typing.get_args(kind)[0], value, where, problems)
    if dataclasses.is_dataclass(kind):
        return read(typing.cast(type, kind), value, where, problems)
    return _convert_scalar(kind, value, where, problems)


def _convert_union(kinds: tuple, value: Any, where: str, problems: list[Problem]) -> Any:
    """`X | None`, or `str | list[str]`."""
    if value is None and type(None) in kinds:
        return None
    first, *others = (kind for kind in kinds if kind is not type(None))
    lists = [kind for kind in others if isinstance(value, list | tuple)]
    return convert(lists[0] if lists else first, value, where, problems)


def _convert_dict(arguments: tuple, value: Any, where: str, problems: list[Problem]) -> Any:
    if not isinstance(value, Mapping):
        problems.append(_no_keys(where, value))
        return value
    item = arguments[1] if arguments else Any
    return {str(k): convert(item, v, join(where, str(k)), problems) for k, v in value.items()}


def _convert_list(item: Any, value: Any, where: str, problems: list[Problem]) -> Any:
    if isinstance(value, str) and item is str:
        value = [value]
    if not isinstance(value, list | tuple):
        problems.append(
            Problem(where, f"expects a list, got {_shown(value)}", f"Set '{where}=[a,b]'.")
        )
        return value
    return [convert(item, v, f"{where}[{i}]", problems) for i, v in enumerate(value)]


WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


def _convert_scalar(kind: Any, value: Any, where: str, problems: list[Problem]) -> Any:
    if kind is Any:
        return value
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if isinstance(value, float) else _shown(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if _fits(kind, value):
        return float(value) if kind is float else value
    problems.append(Problem(where, f"expects {WORDS[kind]}, got {_shown(value)}"))
    return value


def _fits(kind: type, value: Any) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float) and _is_finite(value)
    return isinstance(value, kind)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return _number(value)
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
    return {"None": "nothing (null)", "''": "nothing"}.get(shown, shown)


LONGEST_SHOWN = 100


def _broken_rules(field: dataclasses.Field, value: Any, where: str) -> list[Problem]:
    rules = field.metadata
    if value is None or not rules:
        return []
    if rules["choices"] is not None:
        return _broken_choice(rules["choices"], value, where)
    if isinstance(value, str) and rules["is_path"]:
        return [Problem(where, what) for what in [wrong_path(value)] if what]
    if not isinstance(value, int | float) or isinstance(value, bool):
        return []
    bounds = {**rules, "at_most": LARGEST if rules["at_most"] is None else rules["at_most"]}
    return [
        Problem(where, f"must be {words} {_number(bounds[rule])}, got {_number(value)}")
        for rule, words, broken in BOUNDS
        if bounds[rule] is not None and broken(value, bounds[rule])
    ]


LARGEST = 2**31 - 1
"""Where a field names no other bound."""
LONGEST_NAME, LONGEST_PATH, LONGEST_NUMBER = 255, 4000, 20


def _number(value: float) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if abs(value) < 10**LONGEST_NUMBER else "a number of many digits"


def wrong_path(text: str) -> str:
    """What keeps `text` from being the path of a file or folder; empty where nothing does."""
    try:
        size = len(os.fsencode(text))
        longest = max(map(len, os.fsencode(text).split(b"/")))
        Path(text).expanduser()
    except UnicodeEncodeError:
        return "holds half a character, so it can be no path"
    except RuntimeError:
        return f"{text.partition('/')[0]} is nobody's home folder"
    if "\0" in text:
        return "holds a NUL, so it can be no path"
    if size > LONGEST_PATH or longest > LONGEST_NAME:
        return f"is too long for a path: {size} bytes, and a name of {longest}"
    return ""


BOUNDS: list[tuple[str, str, Callable[[float, float], bool]]] = [
    ("at_least", "at least", lambda value, bound: not value >= bound),
    ("above", "above", lambda value, bound: not value > bound),
    ("below", "below", lambda value, bound: not value < bound),
    ("at_most", "at most", lambda value, bound: not value <= bound),
]


def _broken_choice(choices: tuple, value: Any, where: str) -> list[Problem]:
    values = value if isinstance(value, list) else [value]
    return [
        Problem(where, f"{wrong!r} is not allowed", did_you_mean(str(wrong), map(str, choices)))
        for wrong in values
        if wrong not in choices
    ]
