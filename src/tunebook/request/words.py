"""One word of a command: KEY=VALUE as Hydra reads it, or what is wrong with it."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from hydra.errors import HydraException

from tunebook import folders
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.request import launcher
from tunebook.request.recipe_files import adopt, problems_of
from tunebook.settings.reading import every_key

LONGEST_SHOWN = 100
LONGEST_WORD, DEEPEST_WORD = 100_000, 20
NO_TEXT = re.compile("[\ud800-\udfff\0]")
WITH_ESCAPES = ("template.separator",)
"""Where `\\n` is typed for a line end, as --help shows it."""
OPEN = ("method.peft.", "training.arguments.", "data.")
"""Below these, keys may be added."""


def read_word(word: str, *, sweep: bool) -> Override:
    """`word`, checked by itself; `tune=` is short for `tune.trials=`.

    Raises RequestError with everything that is wrong with it.
    """
    if hostile := _hostile(word):
        raise RequestError(hostile)
    try:
        override = _parse(word)
    except (HydraException, ValueError, OverflowError, RecursionError):
        raise RequestError(_unreadable(word)) from None
    if wrong := _wrong(override, word, sweep=sweep):
        raise RequestError(wrong)
    return override


def is_for_launcher(override: Override) -> bool:
    """Whether the word is for Hydra itself."""
    return override.key_or_group.startswith("hydra") or "/" in override.key_or_group


def is_group(override: Override) -> bool:
    """Whether the word chooses an option of a group."""
    return override.key_or_group in folders.groups()


def values_of(override: Override) -> list[str]:
    """The values of a sweep over this word, each as it would be typed; else its one value."""
    if not override.is_sweep_override():
        value = override.value()
        return [] if value is None else [str(override.get_value_element_as_str())]
    if override.value_type and override.value_type.name == "GLOB_CHOICE_SWEEP":
        glob: Any = override.value()
        return glob.filter(list(folders.options(override.key_or_group)))
    return list(override.sweep_string_iterator())


def count_of(override: Override) -> float:
    """How many values there are; counted, for they may be too many to be listed."""
    values: Any = override.value()
    if isinstance(values, RangeSweep):
        span, step = (values.stop or 0) - (values.start or 0), values.step
        steps = span / step if step else math.inf
        return max(0, math.ceil(steps)) if math.isfinite(steps) else math.inf
    return len(values.list) if isinstance(values, ChoiceSweep) else 1


def bad_options(override: Override) -> list[Problem]:
    """What is wrong with the options that a word chooses, their files included."""
    group, known = override.key_or_group, folders.options(override.key_or_group)
    named = values_of(override)
    problems = [
        Problem(f"{group}={name}", f"there is no such {group}", did_you_mean(name, known))
        for name in named
        if name not in known
    ]
    if not named:
        what = f"chooses no {group}"
        problems.append(Problem(override.input_line or group, what, did_you_mean("", known)))
    problems += [wrong for name in named if name in known for wrong in problems_of(group, name)]
    return problems


def quoted(value: str) -> str:
    """`value` as Hydra reads it whatever it holds."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def note_on_escapes(override: Override) -> str:
    """Says of a text that holds a backslash and an n that it is no line end; else empty."""
    key, _, value = (override.input_line or "").partition("=")
    if "\\n" not in value or key.lstrip("+") in WITH_ESCAPES:
        return ""
    return f"{key} holds a backslash and an n, no line end; that is typed $'{key}=…\\n…'"


def _hostile(word: str) -> Problem | None:
    """What keeps a word from being read at all."""
    depth = max(itertools.accumulate((c in "([{") - (c in ")]}") for c in word), default=0)
    if len(word) > LONGEST_WORD:
        return Problem(f"{word[:20]}…", f"has {len(word):,} characters", "Put it into a file.")
    if depth > DEEPEST_WORD:
        return Problem(f"{word[:20]}…", f"opens over {DEEPEST_WORD} brackets in one another")
    if NO_TEXT.search(word):
        return Problem(repr(word[:80]), "holds half a character or a NUL, so it is no text")
    return None


def _parse(word: str) -> Override:
    word = re.sub(r"^(\+*)tune=", r"\1tune.trials=", word)
    if word.partition("=")[0].lstrip("+") in WITH_ESCAPES:
        word = _with_line_ends(word)
    if word.startswith("recipe="):
        word = "recipe=" + ",".join(map(adopt, word.removeprefix("recipe=").split(",")))
    return OverridesParser.create().parse_override(word)


def _with_line_ends(word: str) -> str:
    key, equals, value = word.partition("=")
    meant = value.replace("\\n", "\n").replace("\\t", "\t")
    bare = meant != value and not set(meant) & set("'\",")
    return f"{key}{equals}{quoted(meant) if bare else meant}"


def _wrong(override: Override, word: str, *, sweep: bool) -> list[Problem]:
    key = override.key_or_group
    if not key:
        return [_unreadable(word)]
    if key == "sweep":
        return [Problem(word, "names several runs", "Only recipes.run takes it.")]
    if is_for_launcher(override):
        found = launcher.misused(override)
    else:
        found = _misused(override, sweep=sweep)
    return [found] if found else []


def _unreadable(word: str) -> Problem:
    key, equals, value = word.partition("=")
    if not equals or not re.fullmatch(r"[+~]*[\w.@/]+", key):
        return Problem(repr(word), "is not KEY=VALUE", _written_right(key))
    if len(value) > LONGEST_SHOWN:
        return Problem(key, f"cannot read the value {value[:LONGEST_SHOWN]!r}…", "Quote it.")
    return Problem(key, f"cannot read the value {value!r}", f"Quote it: '{key}={quoted(value)}'")


def _written_right(key: str) -> str:
    if key in folders.groups():
        return f"Write {key}=NAME, with one of {', '.join(folders.options(key))}."
    if key in {where for where, _ in every_key()}:
        return f"Write {key}=VALUE."
    return "Write, for example, seed=1; a value with spaces stands in quotes: 'KEY=\"two words\"'."


def _misused(override: Override, *, sweep: bool) -> Problem | None:
    key, line = override.key_or_group, override.input_line or ""
    if override.is_delete():
        return Problem(line, "nothing can be deleted", f"Set {key}= to another value.")
    if override.is_add() and (is_group(override) or not key.startswith(OPEN)):
        bare = line.lstrip("+")
        return Problem(line, "every key exists already", f"Write {bare} without the plus sign.")
    if override.is_sweep_override() and not sweep:
        remedy = "Add -m to run one after the other" + _or_quoted(override)
        return Problem(line, "gives several values", remedy)
    if override.is_interval_sweep():
        return Problem(line, "is an interval", f"Give its values: {key}=1,2 or {key}=range(1,3).")
    if "@" in line.partition("=")[0]:
        return Problem(line, "options stay in their own group", f"Write {key}=NAME.")
    return None


def _or_quoted(override: Override) -> str:
    key, _, value = (override.input_line or "").partition("=")
    return "." if is_group(override) else f", or quote one value: '{key}={quoted(value)}'"
