"""Recipes that live outside conf/: a YAML file anywhere, or a finished run's folder."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tunebook import folders
from tunebook.errors import Problem, RequestError

OF_ONE_COMMAND = ("again", "dry_run", "outputs", "label", "recipe")


def adopt(recipe: str) -> str:
    """The name under which Hydra finds `recipe`, which may be a path to a file or a run folder.

    Raises RequestError where the path holds no recipe.
    """
    if recipe in folders.options("recipe") or not _looks_like_a_path(recipe):
        return recipe
    path = Path(recipe).expanduser()
    if path.is_dir():
        return _adopt_text(path.resolve().name, _recipe_of_run(path))
    if not path.is_file():
        raise RequestError(Problem(f"recipe={recipe}", "there is no such file or run folder"))
    return _adopt_text(path.stem, path.read_text(encoding="utf-8"))


def _looks_like_a_path(recipe: str) -> bool:
    return "/" in recipe or recipe.endswith((".yaml", ".yml")) or recipe in (".", "..")


def _adopt_text(name: str, text: str) -> str:
    name = name.replace("=", "_").replace(",", "_")
    (_folder() / "recipe" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return name


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tunebook-recipes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "recipe").mkdir()
    folders.add_conf_folder(folder)
    return folder


def _recipe_of_run(folder: Path) -> str:
    file = folder / "settings.yaml"
    if not file.is_file():
        what = "holds no settings.yaml, so it is no run folder"
        raise RequestError(Problem(f"recipe={folder}", what))
    settings: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    body = {key: value for key, value in settings.items() if key not in OF_ONE_COMMAND}
    chosen = [
        {f"override /{group}": part["name"]}
        for group, part in body.items()
        if isinstance(part, dict) and part.get("name") in folders.options(group)
    ]
    head = yaml.safe_dump({"defaults": [*chosen, "_self_"]}, sort_keys=False)
    return f"# @package _global_\n{head}{yaml.safe_dump(body, sort_keys=False)}"
