"""One run, one folder: where it is, who works in it, and what state it is in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tunebook.errors import Problem, RequestError, RunsElsewhere
from tunebook.runs import environment
from tunebook.runs.files import read_json, write_json, write_text
from tunebook.runs.yaml_text import settings_text
from tunebook.settings.schema import Settings

LOCK = ".lock"
MADE_BY_A_RUN = (
    "history.jsonl", "predictions.jsonl", "metrics.json", "status.json", "README.md",
    "environment.json", "adapter", "model", "checkpoints", "tensorboard",
)  # fmt: skip


def path_of(settings: Settings, fingerprint: str) -> Path:
    """outputs/<task>/<model>/<method>/<label>-<fingerprint>, or the folder that is there already.

    The label is for people: a folder of the same fingerprint under another label is the same run.
    """
    parent = Path(settings.outputs) / settings.task.name / settings.model.name
    parent /= settings.method.name
    there = sorted(parent.glob(f"*-{fingerprint}"))
    return there[0] if there else parent / f"{settings.label or 'default'}-{fingerprint}"


@dataclass
class RunFolder:
    """The files of one run, while this process holds its lock."""

    path: Path

    @property
    def status(self) -> dict[str, Any]:
        """What status.json says; empty where there is none."""
        return read_json(self.path / "status.json") or {}

    @property
    def complete(self) -> bool:
        """Whether the run has finished and its scores are there."""
        return self.status.get("state") == "complete" and self.metrics is not None

    @property
    def metrics(self) -> dict[str, Any] | None:
        """What metrics.json says, or None."""
        return read_json(self.path / "metrics.json")

    def set_status(self, state: str, error: str | None = None, step: int | None = None) -> None:
        """Write status.json; `step` stays as it was where it is None."""
        step = self.status.get("step", 0) if step is None else step
        write_json(self.path / "status.json", {"state": state, "error": error, "step": step})

    def begin(self, settings: Settings, made_with: dict[str, Any]) -> None:
        """Write what is known before the work."""
        write_text(self.path / "settings.yaml", settings_text(settings))
        write_json(self.path / "environment.json", made_with)
        self.set_status("running")

    def fail(self, settings: Settings, reason: str) -> None:
        """Record a failure, with the settings where it came before `begin`."""
        if not (self.path / "settings.yaml").exists():
            write_text(self.path / "settings.yaml", settings_text(settings))
        self.set_status("failed", reason)

    def older_versions(self) -> list[str]:
        """Packages that had another version when the run was made."""
        return environment.differences(read_json(self.path / "environment.json") or {})

    def empty(self) -> None:
        """Delete what a run made, to make it again."""
        for name in MADE_BY_A_RUN:
            file = self.path / name
            if file.is_dir():
                shutil.rmtree(file)
            else:
                file.unlink(missing_ok=True)


@contextmanager
def open_folder(path: Path) -> Iterator[RunFolder]:
    """The folder at `path`, locked. A request that turns out wrong leaves no new folder behind.

    Raises RequestError when another process works in it.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    lock = _locked(path)
    try:
        yield RunFolder(path)
    except RequestError:
        if path in made:
            shutil.rmtree(path)
            _remove_empty(made[1:])
        raise
    finally:  # deleted while it is held: later, it could be another process's lock
        (path / LOCK).unlink(missing_ok=True)
        lock.release()


def _locked(path: Path) -> FileLock:
    """A lock on the folder, which is made. Raises RunsElsewhere where another process has it."""
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        what = "another process is running this very run"
        remedy = "Wait for it, or change a setting, such as seed=1."
        raise RunsElsewhere(Problem(str(path), what, remedy)) from None
    return lock


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
