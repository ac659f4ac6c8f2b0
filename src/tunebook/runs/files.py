"""Files and folders that are either whole or not there."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunebook import documents

PART = ".part"
OLD = 3600.0  # seconds: no file takes so long to be written
_UMASK = os.umask(0)
os.umask(_UMASK)


def write_text(path: Path, text: str) -> None:
    """Write beside the file, then put it in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Indented JSON, characters as they are."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def write_jsonl(path: Path, rows: Iterable[Any]) -> None:
    """One JSON object a line, characters as they are."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_json(path: Path) -> Any:
    """The content, or None where the file is absent or broken."""
    try:
        return documents.read_json(path)
    except documents.BrokenDocument:
        return None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to be filled, which then takes the place of `path`.

    Its files get the rights that new files of this user have: libraries that write a file beside
    and move it leave it to its owner alone.
    """
    beside = _beside(path)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        yield beside
        give_usual_rights(beside)
        if path.exists():
            shutil.rmtree(path)
        beside.replace(path)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def give_usual_rights(folder: Path) -> None:
    """Let each file in `folder` have the rights that the user's umask gives to a new one."""
    for file in folder.rglob("*"):
        if file.is_file() and not file.is_symlink():
            file.chmod(0o666 & ~_UMASK)


def remove_parts(folder: Path, age: float = 0.0) -> None:
    """Delete what was never put in its place in `folder` and is `age` seconds old."""
    for part in folder.glob(f".*{PART}"):
        try:
            if time.time() - part.lstat().st_mtime < age:
                continue
            shutil.rmtree(part) if part.is_dir() else part.unlink()
        except OSError:
            continue


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{PART}")
