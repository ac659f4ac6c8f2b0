"""Local files and plain directories of them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tunebook.counting import counted
from tunebook.data.cells import SEPARATORS, Cells
from tunebook.data.faults import SHOWN, Faults, Notes
from tunebook.data.formats import READERS, guarded, holds_json_lines, read_file, read_references
from tunebook.data.sources import SPLITS, Part, Source
from tunebook.documents import kind_of_file
from tunebook.errors import Problem, RequestError, nearest_beside
from tunebook.schema import DataSettings

SIDECAR = ".references.jsonl"
FORMATS = "JSONL, JSON, CSV, TSV or Parquet"


@dataclass
class FileSource(Source):
    """The files that make up one split, in order."""

    paths: list[Path]
    names: list[str]
    cells: Cells

    @property
    def sidecars(self) -> list[Path | None]:
        """The references beside each file, where there are any."""
        beside = [path.with_name(path.stem + SIDECAR) for path in self.paths]
        return [path if os.path.isfile(path) else None for path in beside]

    @property
    def has_references(self) -> bool:
        return any(self.sidecars)

    def parts(self, faults: Faults) -> Iterator[Part]:
        """Each file's batches with its sidecar's references."""
        for path, name, sidecar in zip(self.paths, self.names, self.sidecars, strict=True):
            part = Part(name, read_file(path, name, faults, self.cells))
            if sidecar:
                part.references_name = beside = str(Path(name).with_name(sidecar.name))
                part.references = guarded(read_references(sidecar, beside, faults), beside, faults)
            yield part


def check_files(settings: DataSettings) -> None:
    """Raise RequestError where a file or folder that `settings` name is missing or no data."""
    problems: list[Problem] = []
    for split in SPLITS:
        if given := getattr(settings, split):
            find(given, f"data.{split}", problems, Notes(lambda _: None))
    if problems:
        raise RequestError(problems)


def open_files(settings: DataSettings, notes: Notes) -> dict[str, Source]:
    """The source of each split that `settings` name a file or folder for.

    Raises RequestError for whatever is missing, mixed, unsupported or given twice.
    """
    problems: list[Problem] = []
    found: dict[str, FileSource] = {}
    for split in SPLITS:
        given = getattr(settings, split)
        if given:
            paths = find(given, f"data.{split}", problems, notes)
            if paths:
                try:
                    found[split] = _source(split, paths, settings, notes)
                except OSError as error:
                    problems.append(_unreadable(f"data.{split}", given, error))
    problems += _given_twice(found)
    if problems:
        raise RequestError(problems)
    return dict(found)


def _source(split: str, paths: list[Path], settings: DataSettings, notes: Notes) -> FileSource:
    given = getattr(settings, split)
    names = [given] if not Path(given).expanduser().is_dir() else [str(path) for path in paths]
    cells = Cells(SEPARATORS.get(settings.separator or "", settings.separator), settings.quoted)
    source = FileSource(f"data.{split}", split, "", paths, names, cells)
    source.content = hash_of_files([*paths, *filter(None, source.sidecars)])
    source.content += "" if cells == Cells() else f" {cells}"
    for path, sidecar in zip(paths, source.sidecars, strict=True):
        if sidecar:
            notes.add(f"data.{split}: references from {sidecar.name}, beside {path.name}")
        if path.suffix.lower() == ".json" and holds_json_lines(path):
            notes.add(f"data.{split}: {path.name} holds one object a line: it is read as JSONL")
    return source


def hash_of_files(paths: list[Path]) -> str:
    """SHA-256 over the bytes of `paths`, each file on its own, so that renaming changes nothing."""
    total = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def find(given: str, key: str, problems: list[Problem], notes: Notes) -> list[Path]:
    """The data files at `given`, a file or folder; what is wrong goes into `problems`."""
    try:
        path = Path(given).expanduser()
        if path.is_dir():
            return _find_in_folder(path, key, problems, notes)
        problem = _problem_of_file(path, given, key)
    except (OSError, ValueError, RuntimeError) as error:
        problem = _unreadable(key, given, error)
    problems += [problem] if problem else []
    return [] if problem else [path]


def _problem_of_file(path: Path, given: str, key: str) -> Problem | None:
    if what := what_stands_at(path):
        return Problem(key, f"{given} is {what}", "Give a file or a folder of files.")
    if not path.exists():
        return Problem(key, f"there is no file or folder {given}", _near(path))
    if path.suffix.lower() in (".gz", ".zip", ".zst", ".bz2", ".xz"):
        return Problem(key, f"{given} is packed", "Unpack it first.")
    if path.suffix.lower() not in READERS:
        what = f"{given} is of no supported format; the name must end in {', '.join(READERS)}"
        return Problem(key, what)
    if path.stat().st_size == 0:
        return Problem(key, f"{given} is empty", "Give a file with rows.")
    beside = path.with_name(path.stem + SIDECAR)
    if os.path.lexists(beside) and not os.path.isfile(beside):
        return Problem(key, f"{beside} is no file", "References stand in a file; else rename it.")
    return None


def what_stands_at(path: Path) -> str:
    """What is at `path` where it is neither a file nor a folder nor nothing at all."""
    if path.is_symlink() and not path.exists():
        return f"a link to {os.readlink(path)}, which does not exist"
    if path.exists() and not path.is_file() and not path.is_dir():
        return f"{kind_of_file(path.stat().st_mode)}, not a file"
    return ""


def _unreadable(key: str, given: str, error: Exception) -> Problem:
    shown = given if len(given) <= 100 else f"{given[:97]}..."
    reason = getattr(error, "strerror", None) or str(error)
    return Problem(key, f"{shown} cannot be read: {reason}", "Give a file that you may read.")


def _near(path: Path) -> str:
    if not path.parent.is_dir():
        return f"Nor is the folder {path.parent}; relative paths start at {Path.cwd()}."
    return nearest_beside(path, lambda file: file.suffix.lower() in READERS)


def _find_in_folder(folder: Path, key: str, problems: list[Problem], notes: Notes) -> list[Path]:
    paths = sorted(path for path in folder.iterdir() if _is_data(path))
    suffixes = sorted({path.suffix.lower() for path in paths})
    if not paths:
        problems.append(Problem(key, f"the folder {folder} holds no {FORMATS} file"))
    elif broken := [p for path in paths if (p := _problem_of_file(path, str(path), key))]:
        problems += broken[:SHOWN]
    elif len(suffixes) > 1:
        what = f"the folder {folder} mixes formats: {', '.join(suffixes)}"
        problems.append(Problem(key, what, "Keep one format in a folder, or name one file."))
    else:
        shown = ", ".join(path.name for path in paths[:5]) + (", …" if len(paths) > 5 else "")
        notes.add(f"{key}: {counted(len(paths), 'file')} of the folder {folder}: {shown}")
        return paths
    return []


def _is_data(path: Path) -> bool:
    hidden = path.name.startswith((".", "_"))
    is_sidecar = path.name.endswith(SIDECAR)
    is_known = path.suffix.lower() in READERS and not hidden and not is_sidecar
    return is_known and (path.is_file() or bool(what_stands_at(path)))


def _given_twice(found: dict[str, FileSource]) -> Iterator[Problem]:
    for first, second in (("train", "test"), ("validation", "test"), ("train", "validation")):
        if first in found and second in found and _share_content(found[first], found[second]):
            names = ", ".join(found[second].names[:3])
            what = f"{names} is given as data.{first} too"
            remedy = f"Leave data.{second} out to hold rows out of train, or give other rows."
            yield Problem(f"data.{second}", what, remedy)


def _share_content(one: FileSource, other: FileSource) -> bool:
    same_file = {path.resolve() for path in one.paths} & {path.resolve() for path in other.paths}
    return bool(same_file) or one.content == other.content
