"""Modules found by looking at a package's folder, so that nothing is listed twice.

Who adds a module of his own makes mistakes in it: they are told with its file and line.
"""

from __future__ import annotations

import importlib
import pkgutil
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from tunebook.errors import Problem, RequestError

T = TypeVar("T")


def names(package: str) -> list[str]:
    """The public modules in `package` but for our own tools, sorted; subpackages do not count."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    public = (m.name for m in found if not m.ispkg and not m.name.startswith("_"))
    return sorted(set(public) - set(OURS.get(package.rpartition(".")[2], ())))


def find(package: str, name: str, needed: Sequence[str] = ()) -> ModuleType:
    """The module `name` of `package`, which has all that is `needed`.

    Raises KeyError where there is none, and RequestError, with file and line, for one that cannot
    be imported.
    """
    if name not in names(package):
        raise KeyError(name)
    try:
        module = importlib.import_module(f"{package}.{name}")
    except Exception as error:
        place = place_of(error) or str(file_of(package, name))
        if isinstance(error, SyntaxError) and error.lineno:
            place = f"{error.filename}:{error.lineno}"
        raise RequestError(Problem(place, in_words(error))) from error
    if lacking := [one for one in needed if not hasattr(module, one)]:
        what = f"lacks {' and '.join(lacking)}"
        raise RequestError(Problem(str(file_of(package, name)), what, "See docs/adding.md."))
    return module


def find_class(package: str, name: str, base: type[T]) -> type[T]:
    """The one class derived from `base` that the module `name` of `package` defines.

    Raises as `find`.
    """
    module = find(package, name)
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, base) and one.__module__ == module.__name__
    ]
    if len(found) != 1:
        what = f"defines {len(found)} subclasses of {base.__name__}, not one"
        raise RequestError(Problem(str(file_of(package, name)), what, "See docs/adding.md."))
    return found[0]


def file_of(package: str, name: str) -> Path:
    """Where the module `name` of `package` stands."""
    (folder, *_) = importlib.import_module(package).__path__
    return Path(folder) / f"{name}.py"


def in_words(error: BaseException) -> str:
    """What an error says, in one line."""
    said = " ".join(str(getattr(error, "msg", None) or error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def place_of(error: BaseException) -> str | None:
    """`FILE:LINE` of the last line of a task, a method or a metric that took part in `error`."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        if path.parent in FOLDERS and path.stem not in OURS.get(path.parent.name, ()):
            return f"{path}:{frame.lineno}"
    return None


OURS = {
    "tasks": ("task",),
    "methods": ("method",),
    "metrics": ("bootstrap", "catalogue", "corpus", "metric", "scoring", "text", "tokenizers"),
}
"""What the modules in these folders are made with: no task, method or metric itself."""
FOLDERS = [Path(__file__).parent / name for name in OURS]
