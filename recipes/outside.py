"""Recipes as files: those in conf/recipe, a YAML file anywhere, or a finished run's folder."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tunebook import folders
from tunebook.errors import Problem, RequestError, did_you_mean

OF_ONE_COMMAND = ("again", "dry_run", "outputs", "label", "recipe", "tune")
_adopted: dict[str, Path] = {}


def adopt(recipe: str) -> str:
    """The name under which Hydra finds `recipe`, which may be a path to a file or a run folder.

    Raises RequestError where the path holds no recipe.
    """
    if recipe in folders.options("recipe") or not _looks_like_a_path(recipe):
        return recipe
    path = Path(recipe).expanduser()
    if path.is_dir():
        return _adopt_text(path.resolve().name, _recipe_of_run(path), path)
    if not path.is_file():
        raise RequestError(Problem(f"recipe={recipe}", "there is no such file or run folder"))
    return _adopt_text(path.stem, _text_of(path), path)


def _looks_like_a_path(recipe: str) -> bool:
    return "/" in recipe or recipe.endswith((".yaml", ".yml")) or recipe in (".", "..")


def _adopt_text(name: str, text: str, origin: Path) -> str:
    name = name.replace("=", "_").replace(",", "_")
    if _adopted.get(name, origin).resolve() != origin.resolve():
        name = f"{name}-{len(_adopted)}"
    _adopted[name] = origin
    (_folder() / "recipe" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return name


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tunebook-recipes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "recipe").mkdir()
    folders.add_conf_folder(folder)
    return folder


@contextmanager
def recipes_in(folder: Path) -> Iterator[None]:
    """Inside, the adopted recipes are found below `folder` alone.

    The temporary folder of one machine is nothing that a process on another one could read.
    """
    if not _adopted:
        yield
        return
    shutil.copytree(_folder(), folder)
    folders.replace_conf_folder(_folder(), folder)
    try:
        yield
    finally:
        folders.replace_conf_folder(folder, _folder())


def file_of(name: str) -> Path:
    """The file that the user knows the recipe `name` by; for a run, its folder."""
    return _adopted.get(name) or folders.options("recipe")[name]


def problems_of(name: str) -> list[Problem]:
    """What is wrong with the file of the recipe `name`, before Hydra reads it."""
    file = file_of(name)
    if file.is_dir():
        return []
    try:
        text = _text_of(file)
        if orphans := list(_orphans(text, file)):
            return orphans
        body = _mapping_in(text, file)
    except RequestError as error:
        return error.problems
    return list(_wrong_choices(body.get("defaults"), file))


LINE = re.compile(r"(?P<indent> *)(?P<mark>#?)(?P<key>[A-Za-z_][\w.-]*):(?P<value>.*)")


def _orphans(text: str, file: Path) -> Iterator[Problem]:
    """Keys whose section, the line above that they stand in, is commented out.

    YAML would give them to the section before it. A copy has such sections: `#decoding:`.
    """
    closed: list[tuple[int, str, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = LINE.fullmatch(line)
        if not found:
            continue
        indent, is_comment = len(found["indent"]), bool(found["mark"])
        while closed and closed[-1][0] >= indent:
            closed.pop()
        if not is_comment and closed:
            _, section, above = closed[-1]
            what = f"{found['key']} stands in {section}, which line {above} comments out"
            yield Problem(f"{file}:{number}", what, f"Take the # away from #{section}: too.")
        elif is_comment and not found["value"].strip():
            closed.append((indent, found["key"], number))


def _wrong_choices(defaults: Any, file: Path) -> Iterator[Problem]:
    """Options that the recipe chooses and that are not there, or chooses in a way that fails."""
    entries = [entry for entry in defaults or [] if isinstance(entry, dict)]
    for key, name in ((str(k), v) for entry in entries for k, v in entry.items()):
        group = key.removeprefix("override ").lstrip("/")
        if group.startswith("hydra"):
            continue
        if group not in folders.groups():
            remedy = did_you_mean(group, folders.groups())
            yield Problem(str(file), f"{key}: there is no group {group}", remedy)
        elif not key.startswith("override /"):
            yield Problem(str(file), f"{key}: {name} cannot be read", f"Write override /{group}.")
        elif name not in folders.options(group):
            remedy = did_you_mean(str(name), folders.options(group))
            yield Problem(str(file), f"{group}: there is no {group} named {name}", remedy)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(Problem(str(file), f"cannot be read: {error}")) from None


def _mapping_in(text: str, file: Path) -> dict[str, Any]:
    try:
        body = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        what = f"is no valid YAML: {getattr(error, 'problem', None) or error}"
        raise RequestError(Problem(where, what)) from None
    if not isinstance(body, dict):
        remedy = "Copy one from conf/recipe and change it."
        raise RequestError(Problem(str(file), "holds no recipe: no KEY: VALUE", remedy))
    return body


def _recipe_of_run(folder: Path) -> str:
    file = folder / "settings.yaml"
    if not file.is_file():
        what = "holds no settings.yaml, so it is no run folder"
        raise RequestError(Problem(f"recipe={folder}", what))
    settings = _mapping_in(_text_of(file), file)
    body = {key: value for key, value in settings.items() if key not in OF_ONE_COMMAND}
    chosen = [
        {f"override /{group}": part["name"]}
        for group, part in body.items()
        if isinstance(part, dict) and part.get("name") in folders.options(group)
    ]
    head = yaml.safe_dump({"defaults": [*chosen, "_self_"]}, sort_keys=False)
    return f"{head}{yaml.safe_dump(body, sort_keys=False)}"
