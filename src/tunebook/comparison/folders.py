"""Finding run folders below the folders that were named."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunebook.errors import Problem, RequestError, did_you_mean

SIGNS = {"status.json", "settings.yaml"}


def run_folders(folders: Sequence[str | Path]) -> list[Path]:
    """Every run folder in or below `folders`, each once, sorted.

    Raises RequestError for each folder that does not exist or holds no run.
    """
    problems, found = [], dict[Path, Path]()
    for folder in map(Path, folders):
        below = {path.resolve(): path for path in _below(folder.expanduser())}
        if not below:
            problems.append(_nothing_in(folder))
        found = {**below, **found}
    if problems:
        raise RequestError(problems)
    return sorted(found.values())


def as_seen(path: str | Path, start: str | Path = ".") -> str:
    """`path` from `start`: what is shared with others need not tell where it was made."""
    try:
        return os.path.relpath(path, start)
    except ValueError:  # another drive
        return str(path)


def _below(folder: Path) -> Iterator[Path]:
    for place, names, files in os.walk(folder):
        if SIGNS & set(files):
            names.clear()
            yield Path(place)
        names[:] = sorted(name for name in names if not name.startswith("."))


def _nothing_in(folder: Path) -> Problem:
    if folder.is_dir():
        remedy = "Name a folder with runs, or make one: python -m recipes.run task=summarize"
        return Problem(str(folder), "holds no run", remedy)
    if folder.exists():
        return Problem(str(folder), "is a file", "Name the folder of a run, or one with runs.")
    return Problem(str(folder), "there is no such folder", _remedy(folder))


def _remedy(folder: Path) -> str:
    beside = folder.parent if folder.parent.is_dir() else Path()
    guess = did_you_mean(folder.name, (path.name for path in beside.iterdir() if path.is_dir()))
    if guess.startswith("Did you mean"):
        return guess
    return "Runs land in outputs/ of the folder where they were started."
