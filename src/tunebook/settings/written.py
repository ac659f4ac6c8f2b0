"""Files of options and recipes, read before Hydra sees them: they set keys of a run, nothing else.

Hydra would obey more: a section of its own that names what to call, a header or a choice that puts
keys elsewhere, a `${…}` that asks the environment. All of it is refused here, in every file that
is not the program's own `conf/tunebook.yaml`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunebook import folders
from tunebook.documents import LARGEST_YAML, read_text, yaml_lines
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.schema import Settings
from tunebook.settings.reading import hint
from tunebook.typed import fields_of

DEFAULTS, RECIPE, SELF = "defaults", "recipe", "_self_"
ASKS = re.compile(r"(?<!\\)(?:\\\\)*\$\{")
HEADER = re.compile(r"#\s*@(?P<what>.*)")
CHOICE = re.compile(r"override /(?P<group>\w+)(?P<place>@.*)?")
MOST_BASES = 20
FOREIGN = "a recipe sets the keys of a run; this one is not among them"


def read_option(file: Path, group: str) -> dict[str, Any]:
    """What an option or recipe file holds, `defaults` included.

    Raises RequestError with everything in it that is no key of a run, by file and line.
    """
    text = read_text(file, LARGEST_YAML)
    body, lines = yaml_lines(text, str(file))
    if not isinstance(body, dict):
        kind = "recipe" if group == RECIPE else group
        remedy = f"Copy one from conf/{group} and change it."
        raise RequestError(Problem(str(file), f"holds no {kind}: no KEY: VALUE", remedy))
    found = [
        *_wrong_header(text, group),
        *_wrong_keys(body, group),
        *_wrong_choices(body, group),
        *_wrong_values(body, ""),
    ]
    if found:
        raise RequestError([_placed(problem, file, lines) for problem in found])
    return body


def _placed(problem: Problem, file: Path, lines: Mapping[str, int]) -> Problem:
    """The line of the key for the key itself, which is named in the text then."""
    line, key = lines.get(problem.where), problem.where
    what = problem.what if key.startswith(DEFAULTS) or not key else f"{key}: {problem.what}"
    return Problem(f"{file}:{line}" if line else str(file), what, problem.remedy)


def _wrong_header(text: str, group: str) -> Iterator[Problem]:
    """`@package` may say where the keys go anyway."""
    allowed = ("_global_",) if group == RECIPE else ("_group_", group)
    for line in text.splitlines():
        found = HEADER.match(line.strip())
        if found and found["what"].split() not in [["package", name] for name in allowed]:
            what = f"the header {line.strip()!r} puts keys where they do not belong"
            yield Problem("", what, "Remove the line.")


def _wrong_keys(body: Mapping[Any, Any], group: str) -> Iterator[Problem]:
    known = fields_of(Settings)
    for key in body:
        if not isinstance(key, str):
            yield Problem(str(key), "is no name of a key", "Write KEY: VALUE.")
        elif group == RECIPE and key not in known and key != DEFAULTS:
            near = "" if key == "hydra" else hint(key, body)
            is_misspelt = near.startswith("Did you mean")
            yield Problem(key, "no such key" if is_misspelt else FOREIGN, near)


def _wrong_choices(body: Mapping[Any, Any], group: str) -> Iterator[Problem]:
    chosen = body.get(DEFAULTS)
    if chosen is None:
        return
    if not isinstance(chosen, list):
        yield Problem(DEFAULTS, "defaults is no list", "Write a line `- override /GROUP: NAME`.")
        return
    for number, entry in enumerate(chosen):
        where = f"{DEFAULTS}.{number}"
        if isinstance(entry, str):
            yield from _wrong_base(entry, group, where)
        elif isinstance(entry, dict) and len(entry) == 1:
            ((key, name),) = entry.items()
            yield from _wrong_choice(str(key), name, where)
        else:
            yield Problem(where, f"{entry!r} chooses nothing", "Write override /GROUP: NAME.")


def _wrong_base(name: str, group: str, where: str) -> Iterator[Problem]:
    known = folders.options(group)
    if name != SELF and name not in known:
        yield Problem(where, f"there is no {group} named {name}", did_you_mean(name, known))


def _wrong_choice(key: str, name: Any, where: str) -> Iterator[Problem]:
    found = CHOICE.fullmatch(key)
    group = found["group"] if found else key.removeprefix("override ").lstrip("/").split("@")[0]
    if group not in folders.groups() or group == RECIPE:
        groups = [one for one in folders.groups() if one != RECIPE]
        yield Problem(where, f"{key}: there is no group {group}", did_you_mean(group, groups))
    elif not found or found["place"] not in (None, f"@_global_.{group}"):
        yield Problem(where, f"{key}: {name} cannot be read", f"Write override /{group}.")
    elif not isinstance(name, str) or name not in folders.options(group):
        remedy = did_you_mean(str(name), folders.options(group))
        yield Problem(where, f"{group}: there is no {group} named {name}", remedy)


def _wrong_values(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _wrong_values(one, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _wrong_values(one, f"{path}.{number}")
    elif value == "???":
        yield Problem(path, "??? is no value", "Give one, or remove the line.")
    elif isinstance(value, str) and ASKS.search(value):
        what = "a file holds values, and asks for none with ${…}"
        yield Problem(path, what, "A dollar sign that stands for itself is written \\$.")


def literal(value: Any) -> Any:
    """`value` so that OmegaConf reads it as it stands, at every depth."""
    if isinstance(value, dict):
        return {key: literal(one) for key, one in value.items()}
    if isinstance(value, list):
        return [literal(one) for one in value]
    if isinstance(value, str):
        return re.sub(r"(\\*)\$\{", lambda found: found[1] * 2 + "\\${", value)
    return value


def files_of(group: str, name: str) -> list[Path]:
    """The file of an option and those that it builds on, the option's own first.

    Raises RequestError where a file is wrong, or where they build on one another in a circle.
    """
    files: list[Path] = []
    waiting = [name]
    while waiting:
        file = folders.options(group)[waiting.pop(0)]
        if file in files or len(files) >= MOST_BASES:
            what = "builds on itself" if file in files else f"builds on over {MOST_BASES} others"
            raise RequestError(Problem(str(files[0]), what, "Change its defaults."))
        files.append(file)
        chosen = read_option(file, group).get(DEFAULTS) or []
        waiting += [one for one in chosen if isinstance(one, str) and one != SELF]
    return files


@functools.cache
def _lines(file: Path, changed: int) -> dict[str, int]:
    return yaml_lines(read_text(file, LARGEST_YAML), str(file))[1]


def place_of(key: str, choices: Mapping[str, str]) -> tuple[Path, int] | None:
    """The chosen file that sets `key`, and its line; None where none does."""
    group, _, below = key.partition(".")
    chosen = ((RECIPE, choices.get(RECIPE), key), (group, choices.get(group), below))
    for owner, name, inside in chosen:
        for file in files_of(owner, name) if name in folders.options(owner) else ():
            if line := _lines(file, file.stat().st_mtime_ns).get(inside):
                return file, line
    return None
