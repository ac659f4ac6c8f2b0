"""Recipes as files: those in conf/recipe, a YAML file anywhere, or a finished run's folder."""

from __future__ import annotations

import atexit
import functools
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from tunebook import folders
from tunebook.documents import LARGEST_YAML, read_text, read_yaml
from tunebook.errors import Problem, RequestError
from tunebook.settings import Settings
from tunebook.settings.written import RECIPE, files_of, literal
from tunebook.typed import fields_of

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
    return _adopt_text(path.stem, read_text(path, LARGEST_YAML), path)


def _looks_like_a_path(recipe: str) -> bool:
    return "/" in recipe or recipe.endswith((".yaml", ".yml")) or recipe in (".", "..")


def _adopt_text(name: str, text: str, origin: Path) -> str:
    name = re.sub(r"[^\w.+-]", "_", name)
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


def file_of(name: str) -> Path:
    """The file that the user knows the recipe `name` by; for a run, its folder."""
    return _adopted.get(name) or folders.options("recipe")[name]


def problems_of(group: str, name: str) -> list[Problem]:
    """What is wrong with the file of an option and those it builds on, before Hydra reads them."""
    file = folders.options(group)[name]
    try:
        orphans = list(_orphans(read_text(file), file)) if group == RECIPE else []
        if not orphans:
            files_of(group, name)
        return as_known(orphans)
    except RequestError as error:
        return as_known(error.problems)


def as_known(problems: Sequence[Problem]) -> list[Problem]:
    """`problems` with recipes that were adopted named as the user knows them."""
    if not _adopted:
        return list(problems)
    return [replace(problem, where=_as_known(problem.where)) for problem in problems]


def _as_known(where: str) -> str:
    for name, file in _adopted.items():
        where = where.replace(str(_folder() / "recipe" / f"{name}.yaml"), str(file))
    return where


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


def _recipe_of_run(folder: Path) -> str:
    """The settings of a run as a recipe: values as they stand, for Hydra too."""
    file = folder / "settings.yaml"
    if not file.is_file():
        what = "holds no settings.yaml, so it is no run folder"
        raise RequestError(Problem(f"recipe={folder}", what))
    settings = read_yaml(file)
    if foreign := [key for key in settings if key not in fields_of(Settings)]:
        what = "a run's settings hold the keys of a run; this one is not among them"
        raise RequestError([Problem(str(file), f"{key}: {what}") for key in foreign])
    body = {key: value for key, value in settings.items() if key not in OF_ONE_COMMAND}
    chosen = [
        {f"override /{group}": part["name"]}
        for group, part in body.items()
        if isinstance(part, dict) and part.get("name") in folders.options(group)
    ]
    recipe = {"defaults": [*chosen, "_self_"], **literal(body)}
    return yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True)
