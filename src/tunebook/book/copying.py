"""Copies of recipes and runs: complete, commented files that remember where they came from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tunebook import folders
from tunebook.book.described import DEFAULT, Described, Key, Line, lines_of, values_of
from tunebook.documents import BrokenDocument, read_text, yaml_lines
from tunebook.errors import Problem, RequestError
from tunebook.runs.reading import COMPLETE, read_metrics, read_status
from tunebook.schema import GROUPS

NAME = re.compile(r"[A-Za-z][\w-]*")
TAKEN_BY_HYDRA = ("null", "true", "false", "nan", "inf")
TITLES = {
    "task": "What the model is asked to do",
    "data": "Where examples come from",
    "model": "The frozen base model",
    "method": "What is trained",
    "template": "The hard prompt around each example",
    "training": "How it is trained",
    "decoding": "How text is generated",
    "": "The run itself",
}
FROM_THE_OPTION = ("name", "kind", "tasks", "license", "note", "search")
"""Keys that say what an option is: chosen above, not set below."""


def target_of(parent: str, new: str | None, to: str | None) -> Path:
    """Where the copy goes: ./conf/recipe/NEW.yaml, the file `to`, or NEW.yaml in the folder `to`.

    Raises RequestError for a name that cannot be one, and where there is something already.
    """
    is_file = to is not None and Path(to).suffix in (".yaml", ".yml")
    if to is not None and is_file:
        target = Path(to).expanduser()
    elif new is None:
        raise RequestError(Problem("NEW", "is missing", "Give a name, or --to FILE.yaml."))
    else:
        target = (Path(to).expanduser() if to else Path("conf", "recipe")) / f"{new}.yaml"
    problems = [*_wrong_name(new), *_taken(target, parent, new if to is None else None)]
    if problems:
        raise RequestError(problems)
    return target


def _wrong_name(new: str | None) -> Iterator[Problem]:
    if new is not None and (not NAME.fullmatch(new) or new.lower() in TAKEN_BY_HYDRA):
        remedy = "Use letters, digits, - and _; --to PATH says where the file goes."
        yield Problem(new, "is no name for a recipe", remedy)


def _taken(target: Path, parent: str, new: str | None) -> Iterator[Problem]:
    known = folders.options("recipe")
    there = known.get(new) if new else None
    original = known.get(parent) or Path(parent).expanduser()
    if new == parent or (target.exists() and target.resolve() == original.resolve()):
        yield Problem(str(target), "is the recipe itself", "Give the copy another name.")
    elif target.exists() or there:
        what = "is there already, and nothing is overwritten"
        yield Problem(str(there or target), what, "Give another name, or remove it first.")
    elif target.parent.exists() and not target.parent.is_dir():
        yield Problem(str(target.parent), "is a file, not a folder", "Give --to PATH.")


def write(described: Described, parent: Path, name: str, target: Path) -> None:
    """Write the copy. `parent` is the recipe's file or the run's folder, `name` what it is called.

    Raises RequestError where the file cannot be made, or is made by somebody else just now.
    """
    text = text_of(described, parent, name, command_for(target))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        what = f"cannot be written: {error.strerror or error}"
        raise RequestError(Problem(str(target), what, "Give --to PATH.")) from None


def command_for(target: Path) -> str:
    """What runs the recipe in `target`."""
    here = target.parent.resolve() == Path("conf", "recipe").resolve()
    return f"python -m recipes.run recipe={target.stem if here else _as_path(target)}"


def _as_path(target: Path) -> str:
    return str(target) if "/" in str(target) else f"./{target}"


def text_of(described: Described, parent: Path, name: str, command: str) -> str:
    """The file of a copy: what the parent sets is set, all else stands commented out.

    A run has everything set, so that it stays the same run when defaults change.
    """
    lines = {line.key: line for line in lines_of(described)}
    fields = {key: field for key, _, field in values_of(described.settings) if key in lines}
    body = _Body(described, lines, fields, parent)
    parts = [_head(described, parent, name, command), *map(body.group, (*GROUPS, ""))]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(described: Described, parent: Path, name: str, command: str) -> str:
    line = folders.first_line(parent) if parent.is_file() else f"The run {parent.name} again"
    chosen = described.chosen.items()
    options = [f"  - override /{group}: {option}" for group, (option, _) in chosen]
    lines = [
        f"# {command}",
        f"# {line}",
        "#",
        "# Copied from its parent; recipes.book diff shows what you have changed since.",
        "# A key right behind a # has the value that it shows; take the # away to change it, and",
        "# the one in front of its section.",
        f"parent: {_yaml(name)}",
        "defaults:",
        *options,
        "  - _self_",
    ]
    return "\n".join([*lines, *_expectation(described, parent)])


def _expectation(described: Described, parent: Path) -> list[str]:
    if parent.is_dir():
        found = f"expect: {_yaml(_measured(parent))}"
        head = "# What the run reached: before -> after [95 % interval]."
        return ["", head, found] if _measured(parent) else []
    if expect := described.settings.expect:
        return ["", f"# The parent's result; measure your own.\n# expect: {_yaml(expect)}"]
    return []


def _measured(run: Path) -> str:
    """Nothing where the run has no scores, or none that can be read."""
    try:
        if read_status(run).state != COMPLETE:
            return ""
        metrics = read_metrics(run)
    except BrokenDocument:
        return ""
    head = metrics["headline"]
    before, interval = metrics.get("before", {}).get(head["name"]), head.get("interval")
    start = "" if before is None else f"{before:.1f} -> "
    around = f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""
    return f"{head['name']} {start}{head['value']:.1f}{around}"


class _Body:
    """The keys of a copy, group by group, each with its line and field."""

    def __init__(
        self, described: Described, lines: Mapping[str, Line], fields: Mapping[str, Key], file: Path
    ) -> None:
        self.described, self.lines, self.fields = described, lines, fields
        self.is_run = file.is_dir()
        self.remarks = {} if self.is_run else remarks_of(read_text(file), str(file))
        self.set = {key for key in lines if self._is_set(key, lines[key])}

    def group(self, name: str) -> str:
        """The lines of one group; nothing where it has no keys."""
        keys = [key for key in self.fields if key.rpartition(".")[0].partition(".")[0] == name]
        keys = [key for key in keys if not self._comes_with_the_option(key)]
        return "\n".join(self._group(name, keys)) if keys else ""

    def _group(self, group: str, keys: Sequence[str]) -> Iterator[str]:
        live = self.set & set(keys)
        yield f"# {TITLES[group]}"
        if group:
            yield f"{group}:" if live else f"#{group}:"
        open_part = ""
        for key in keys:
            part, _, name = key.removeprefix(f"{group}." if group else "").rpartition(".")
            indent = "  " * bool(group)
            if part and part != open_part:
                alive = any(one.startswith(f"{group}.{part}.") for one in live)
                yield f"{indent}{'' if alive else '#'}{part}:"
            open_part = part
            yield from self._key(key, name, indent + "  " * bool(part))

    def _key(self, key: str, name: str, indent: str) -> Iterator[str]:
        line, is_set = self.lines[key], key in self.set
        for remark in self.remarks.get(key) or [self.fields[key].metadata["description"]]:
            yield f"{indent}# {remark}"
        origin = "" if is_set or line.origin == DEFAULT else f"  # {line.origin}"
        yield f"{indent}{'' if is_set else '#'}{name}: {_yaml(line.value)}{origin}"

    def _comes_with_the_option(self, key: str) -> bool:
        """Whether choosing the option says it all; a run may have named its model itself."""
        named = self.is_run and self.lines[key].differs
        return key.rpartition(".")[2] in FROM_THE_OPTION and not named

    def _is_set(self, key: str, line: Line) -> bool:
        if self.is_run:
            return line.value is not None or key in self.described.in_options
        given = (*self.described.written, *self.described.typed)
        return any(one == key or one.startswith(f"{key}.") for one in given)


def remarks_of(text: str, where: str) -> dict[str, list[str]]:
    """For each key of the YAML in `text`, with dots, the comment above it, else the one behind."""
    lines = text.splitlines()
    found = {}
    for key, number in yaml_lines(text, where)[1].items():
        if remark := _above(lines, number - 1) or _behind(lines[number - 1]):
            found[key] = remark
    return found


def _above(lines: Sequence[str], number: int) -> list[str]:
    first = number
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return [line.lstrip().lstrip("#").strip() for line in lines[first:number]]


def _behind(line: str) -> list[str]:
    _, hash_sign, remark = line.partition(" #")
    return [remark.strip()] if hash_sign and '"' not in remark and "'" not in remark else []


def _yaml(value: Any, *, within: bool = False) -> str:
    """A value in one line of YAML, `within` a list or not; a dollar sign stays one for Hydra."""
    if isinstance(value, dict):
        pairs = (": ".join(_yaml(one, within=True) for one in pair) for pair in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_yaml(one, within=True) for one in value)}]"
    text = yaml.safe_dump(value, default_flow_style=True, width=10**9, allow_unicode=True)
    text = text.removesuffix("\n").removesuffix("\n...")
    breaks = within and isinstance(value, str) and set(value) & set(",[]{}")
    plain = text.isprintable() and not breaks
    return (text if plain else json.dumps(value, ensure_ascii=False)).replace("${", "\\${")
