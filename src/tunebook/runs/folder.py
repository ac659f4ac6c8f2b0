"""One run, one folder: where it is, who works in it, and what state it is in."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.errors import Problem, RequestError, RunFailed, RunsElsewhere
from tunebook.runs import environment, whole
from tunebook.runs.files import read_json, remove_parts, write_json, write_text
from tunebook.runs.lock import Lock
from tunebook.runs.yaml_text import settings_text
from tunebook.schema import Settings
from tunebook.system import NO_ROOM

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
    """The files of one run. lock: held while this process works on it."""

    path: Path
    lock: Lock | None = None

    @property
    def status(self) -> dict[str, Any]:
        """What status.json says; empty where it says nothing."""
        found = read_json(self.path / whole.STATUS)
        return found if isinstance(found, dict) else {}

    @property
    def complete(self) -> bool:
        """Whether the run has finished; where no status can be read, whether it has scores."""
        state = self.status.get("state")
        if state in (whole.RUNNING, whole.FAILED):
            return False
        return state == whole.COMPLETE or (self.path / "metrics.json").exists()

    @property
    def metrics(self) -> dict[str, Any] | None:
        """What metrics.json says, or None."""
        found = read_json(self.path / "metrics.json")
        return found if isinstance(found, dict) else None

    def faults(self, names: Sequence[str]) -> list[Problem]:
        """What is wrong with the files `names` of a finished run."""
        return whole.faults(self.path, names)

    def check_is_there(self) -> None:
        """Raises RunFailed where the folder was deleted or replaced behind this process's back."""
        if self.lock and not self.lock.is_held():
            what = "the folder of the run was deleted while it ran; the same command runs it again"
            raise RunFailed(what, self.path)

    def set_status(self, state: str, error: str | None = None, step: int | None = None) -> None:
        """Write status.json; `step` stays as it was where it is None."""
        step = self.status.get("step", 0) if step is None else step
        content = {"state": state, "error": error, "step": step}
        file = self.path / whole.STATUS
        try:
            write_json(file, content)
        except OSError as refusal:
            if refusal.errno not in NO_ROOM or not file.exists():
                raise
            _write_over(file, json.dumps(content))

    def begin(self, settings: Settings, made_with: dict[str, Any]) -> None:
        """Write what is known before the work."""
        write_text(self.path / "settings.yaml", settings_text(settings))
        write_json(self.path / "environment.json", made_with)
        self.set_status("running")

    def fail(self, settings: Settings, reason: str) -> None:
        """Record a failure, with the settings where it came before `begin`; as far as it can be.

        Nothing is written into a folder that was deleted.
        """
        if self.lock and not self.lock.is_held():
            return
        with contextlib.suppress(OSError):
            if not (self.path / "settings.yaml").exists():
                write_text(self.path / "settings.yaml", settings_text(settings))
            self.set_status(whole.FAILED, reason)

    def interrupt(self) -> None:
        """Record an interruption where the run has begun; as far as it can be."""
        there = (self.path / whole.STATUS).exists() and (not self.lock or self.lock.is_held())
        with contextlib.suppress(OSError):
            if there:
                self.set_status(whole.RUNNING, "interrupted; the same command continues")

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
    """The folder at `path`, locked. What ends without a status leaves no new folder behind.

    Raises RequestError when another process works in it.
    """
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path, _locked(path))
    remove_parts(path)
    try:
        yield folder
    except BaseException as error:
        in_vain = isinstance(error, RequestError) or not (path / whole.STATUS).exists()
        if path in made and in_vain and _is_ours(folder):
            shutil.rmtree(path)
            _remove_empty(made[1:])
        raise
    finally:
        _unlock(folder)


def _locked(path: Path) -> Lock:
    """The lock of the folder. Raises RunsElsewhere where another process has it."""
    lock = Lock(path)
    if not lock.acquire():
        what = "another process is running this very run"
        remedy = "Wait for it, or change a setting, such as seed=1."
        raise RunsElsewhere(Problem(str(path), what, remedy))
    return lock


def _is_ours(folder: RunFolder) -> bool:
    return folder.lock is not None and folder.lock.is_held()


def _unlock(folder: RunFolder) -> None:
    if folder.lock:
        folder.lock.release()


def _write_over(file: Path, text: str) -> None:
    """A full disk has room for what takes the place of what is there."""
    with contextlib.suppress(OSError), file.open("r+b") as opened:
        opened.write(text.encode())
        opened.truncate()


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if any(folder.iterdir()):
            return
        folder.rmdir()
