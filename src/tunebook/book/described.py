"""Settings one by one: each with its value, where it came from, and what it would be by default."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunebook.errors import Problem
from tunebook.models.facts import ModelFacts
from tunebook.schema import Settings

BEHIND_THE_SCENES = {
    *("recipe", "parent", "expect", "schema", "label", "again", "dry_run", "outputs"),
    *("method.by_family", "method.usual_learning_rate", "model.by_method", "model.usual_family"),
    *("data.instructions", "task.usual_instruction"),
}
"""Keys that say nothing of what a run does."""
SEARCH = ("tune.", "method.search")
"""Keys of a search, shown where there is one."""
COMMAND_LINE, DEFAULT = "command line", "default"
Key = dataclasses.Field


@dataclass(frozen=True)
class Line:
    """One setting. `usual` is its value without the recipe and the command line."""

    key: str
    value: Any
    origin: str
    usual: Any

    @property
    def differs(self) -> bool:
        """Whether the recipe or the command line changed it, and not another key that they set."""
        gave_way = self.value is None and self.origin == DEFAULT
        return bool(self.value != self.usual) and not gave_way


@dataclass(frozen=True)
class Described:
    """A recipe, a run, or words of a command line, and where each of its settings came from.

    title: what it is called. settings, usual: with gaps filled; `usual` without what the recipe and
    the command line set, of the same options. chosen: for each group its option and who chose it.
    source: what its origin is called; file: the recipe's file or the run's folder.
    written: keys that the recipe's file sets; typed: keys of the command line; in_options: keys
    that options set, with the option. filled: where gaps were filled from; advice: what is seldom
    meant; facts: the model, where it is at hand; notes: what could not be looked up.
    """

    title: str
    settings: Settings
    usual: Settings
    chosen: Mapping[str, tuple[str, str]]
    source: str = ""
    file: Path | None = None
    written: Collection[str] = ()
    typed: Collection[str] = ()
    in_options: Mapping[str, str] = field(default_factory=dict)
    filled: Mapping[str, str] = field(default_factory=dict)
    usually_filled: Mapping[str, str] = field(default_factory=dict)
    advice: Collection[Problem] = ()
    facts: ModelFacts | None = None
    notes: Collection[str] = ()


def values_of(part: Any, path: str = "") -> Iterator[tuple[str, Any, Key]]:
    """Every key of settings with its value and field, in the order of their definition."""
    for one in dataclasses.fields(part):
        value, where = getattr(part, one.name), f"{path}{one.name}"
        if dataclasses.is_dataclass(value):
            yield from values_of(value, f"{where}.")
        else:
            yield where, value, one


def lines_of(described: Described, *, everything: bool = False) -> list[Line]:
    """A line a setting; those behind the scenes only where `everything` is asked for."""
    usual = {key: value for key, value, _ in values_of(described.usual)}
    return [
        Line(key, value, _origin(key, value, usual.get(key), described), usual.get(key))
        for key, value, _ in values_of(described.settings)
        if everything or not _is_behind_the_scenes(key, value, usual.get(key))
    ]


def _is_behind_the_scenes(key: str, value: Any, usual: Any) -> bool:
    return key in BEHIND_THE_SCENES or (key.startswith(SEARCH) and value == usual)


def _origin(key: str, value: Any, usual: Any, described: Described) -> str:
    """The nearest to the user that has a say in `key`."""
    if _among(key, described.typed):
        return COMMAND_LINE
    group, _, name = key.partition(".")
    if name in ("name", "kind") and group in described.chosen:
        return described.chosen[group][1]
    if _among(key, described.written):
        return described.source
    if reason := _reason(key, described.filled):
        return reason
    if value == usual and (reason := _reason(key, described.usually_filled)):
        return reason
    if value != usual and value is not None and described.source:
        return described.source
    options = (option for one, option in described.in_options.items() if _is_in(one, key))
    return next(options, DEFAULT)


def _reason(key: str, origins: Mapping[str, str]) -> str:
    return next((reason for one, reason in origins.items() if _is_in(key, one)), "")


def _among(key: str, keys: Collection[str]) -> bool:
    return any(_is_in(one, key) for one in keys)


def _is_in(one: str, key: str) -> bool:
    """Whether `one` is `key` or stands below it, as data.fields.source below data.fields."""
    return one == key or one.startswith(f"{key}.")


def shown(value: Any) -> str:
    """A value as one would type it, in one line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {shown(one)}' for name, one in value.items())}}}"
    text = str(value)
    return text if text.isprintable() and text else repr(text)
