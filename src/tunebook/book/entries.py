"""Every recipe and every option, as the configuration folders hold them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook import folders
from tunebook.documents import read_yaml
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models.facts import PREFIX
from tunebook.settings.written import files_of

FILTERS = ("task", "method", "model")
RECIPE, SWEEP = "recipe", "sweep"


@dataclass(frozen=True)
class Entry:
    """One file of a configuration folder.

    chosen: for a recipe, the option that it takes of each group. offline: whether it runs without a
    network; None where that is no question. problem: why the file cannot be read.
    """

    group: str
    name: str
    path: Path
    line: str = ""
    chosen: Mapping[str, str] = field(default_factory=dict)
    offline: bool | None = None
    parent: str = ""
    problem: str = ""


def entries(group: str) -> list[Entry]:
    """Every option of `group`, by name; a file that cannot be read is an entry with its problem."""
    _body.cache_clear()
    return [_entry(group, name, path) for name, path in folders.options(group).items()]


def groups() -> list[str]:
    """Every group, recipes first, named sweeps last."""
    others = [group for group in folders.groups() if group != RECIPE]
    return [RECIPE, *others, *([SWEEP] if folders.options(SWEEP) else [])]


def kept(found: Sequence[Entry], filters: Mapping[str, Sequence[str]]) -> list[Entry]:
    """Those recipes that take one of the options that each filter names.

    Raises RequestError for a filter that names no option at all.
    """
    problems = [
        Problem(f"{group}={name}", f"there is no such {group}", did_you_mean(name, known))
        for group, names in filters.items()
        for known in [folders.options(group)]
        for name in names
        if name not in known
    ]
    if problems:
        raise RequestError(problems)
    wanted = filters.items()
    return [one for one in found if all(one.chosen.get(group) in names for group, names in wanted)]


def _entry(group: str, name: str, path: Path) -> Entry:
    try:
        if group != SWEEP:
            files_of(group, name)
        line = folders.first_line(path)
        if group != RECIPE:
            return Entry(group, name, path, line, offline=_option_is_offline(group, name))
        body, chosen = _body(path), {**_usual_choices(), **dict(choices_in(path))}
        offline = _is_offline(body, chosen)
        return Entry(group, name, path, line, chosen, offline, str(body.get("parent") or ""))
    except RequestError as error:
        return Entry(group, name, path, problem=f"cannot be read: {error.problems[0]}")
    except (OSError, UnicodeDecodeError) as error:
        return Entry(group, name, path, problem=f"cannot be read: {error}")


@functools.cache
def _body(path: Path) -> Mapping[str, Any]:
    return read_yaml(path)


def _usual_choices() -> dict[str, str]:
    return dict(choices_in(folders.shipped_conf() / "tunebook.yaml"))


def choices_in(path: Path, above: tuple[Path, ...] = ()) -> Iterator[tuple[str, str]]:
    """The options that a recipe chooses, those of recipes that it builds on first."""
    for entry in _body(path).get("defaults") or ():
        if isinstance(entry, str):
            base = folders.options(RECIPE).get(entry)
            if base and base not in above and base != path:
                yield from choices_in(base, (*above, path))
        elif isinstance(entry, dict):
            for key, name in entry.items():
                if name is not None:
                    yield str(key).removeprefix("override ").lstrip("/"), str(name)


def _is_offline(body: Mapping[str, Any], chosen: Mapping[str, str]) -> bool:
    def value(group: str, key: str) -> Any:
        own = body.get(group)
        if isinstance(own, dict) and key in own:
            return own[key]
        return _value(group, chosen.get(group, ""), key)

    return _model_is_here(value("model", "path")) and _data_is_here(
        value("data", "source"), value("data", "path")
    )


def _option_is_offline(group: str, name: str) -> bool | None:
    if group == "model":
        return _model_is_here(_value(group, name, "path"))
    if group == "data":
        return _data_is_here(_value(group, name, "source"), _value(group, name, "path"))
    return None


def _value(group: str, name: str, key: str) -> Any:
    """What an option says of `key`, itself or through an option that it builds on."""
    path = folders.options(group).get(name)
    if path is None:
        return None
    body = _body(path)
    if key in body:
        return body[key]
    bases = [entry for entry in body.get("defaults") or () if isinstance(entry, str)]
    found = (_value(group, base, key) for base in bases if base not in ("_self_", name))
    return next((value for value in found if value is not None), None)


def _model_is_here(path: Any) -> bool:
    return isinstance(path, str) and (path.startswith(PREFIX) or Path(path).expanduser().is_dir())


def _data_is_here(source: Any, path: Any) -> bool:
    return source != "hub" or (isinstance(path, str) and Path(path).expanduser().is_dir())
