"""A run folder: who works in it, what is left where that ends early, and whether it is whole."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from recipes import compose
from tunebook.errors import RequestError, RunFailed, RunsElsewhere
from tunebook.runs import files, folder, lock, open_folder, whole
from tunebook.runs.folder import RunFolder
from tunebook.system import problem_of

EVERY = (*whole.RUN_FILES, whole.ADAPTER)
SCORES: dict[str, Any] = {
    "task": "qa", "data": "village", "model": "m", "method": "lora", "seed": 0,
    "headline": {"name": "f1", "value": 1.0}, "before": {"f1": 0.0}, "after": {"f1": 1.0},
    "loss": {}, "parameters": {}, "seconds": {}, "throughput": {}, "examples": {"test": 2},
}  # fmt: skip


@pytest.fixture
def finished(tmp_path: Path) -> RunFolder:
    """A run folder in which every file opens."""
    run = RunFolder(tmp_path / "run")
    run.begin(compose(), {"packages": {}})
    files.write_jsonl(run.path / "predictions.jsonl", [{"id": 0}, {"id": 1}])
    files.write_json(run.path / "metrics.json", SCORES)
    with files.whole_folder(run.path / "adapter") as adapter:
        files.write_json(adapter / "adapter_config.json", {"peft_type": "LORA"})
        save_file({"a": np.zeros(9)}, adapter / "adapter_model.safetensors")
    run.set_status("complete", step=3)
    return run


def test_a_finished_run_is_whole(finished: RunFolder) -> None:
    assert finished.complete
    assert finished.faults(EVERY) == []


def lose(file: Path) -> None:
    file.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-9])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def fill(text: str) -> Callable[[Path], object]:
    return lambda file: file.write_text(text)


def become_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


WEIGHTS = "adapter/adapter_model.safetensors"
DAMAGES = [
    *((name, damage) for damage in (lose, cut, empty, become_a_folder)
      for name in ("metrics.json", "predictions.jsonl", "environment.json",
                   "adapter/adapter_config.json", WEIGHTS)),
    ("settings.yaml", lose), ("settings.yaml", empty), ("settings.yaml", fill("[1]")),
    ("status.json", lose), ("status.json", empty), ("status.json", fill("[1]")),
    ("status.json", fill("null")), ("status.json", fill('{"state": 3}')),
    ("metrics.json", fill("{}")), ("metrics.json", fill("[1]")),
    ("metrics.json", fill(json.dumps({**SCORES, "after": {"f1": None}}))),
    ("metrics.json", fill(json.dumps({**SCORES, "before": {}}))),
    ("metrics.json", fill(json.dumps({**SCORES, "headline": {}}))),
    ("predictions.jsonl", fill('{"id": 0}\n')), ("predictions.jsonl", fill("1\n2\n")),
    ("environment.json", fill("[]")), (WEIGHTS, fill("x" * 99)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_each_file_that_does_not_open_is_named(
    finished: RunFolder, name: str, damage: Callable[[Path], object]
) -> None:
    damage(finished.path / name)
    assert finished.complete, "it is not to be run again in silence"
    named = [problem.where for problem in finished.faults(EVERY)]
    assert any(where.startswith(str(finished.path / Path(name).parts[0])) for where in named)


@pytest.mark.parametrize("state", ["running", "failed"])
def test_what_has_not_ended_is_not_complete(finished: RunFolder, state: str) -> None:
    finished.set_status(state)
    assert not finished.complete


def test_one_process_works_in_a_folder(tmp_path: Path) -> None:
    with open_folder(tmp_path / "run"):
        assert lock.is_at_work(tmp_path / "run")
        with pytest.raises(RunsElsewhere), open_folder(tmp_path / "run"):
            pass
    assert not lock.is_at_work(tmp_path / "run")
    assert not (tmp_path / "run" / ".lock").exists()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_deleted_folder_is_told_and_written_into_no_more(tmp_path: Path, replaced: bool) -> None:
    path, settings = tmp_path / "run", compose()
    with open_folder(path) as run:
        run.begin(settings, {})
        for file in list(path.iterdir()):
            file.unlink()
        if replaced:
            (path / ".lock").write_text("of another process")
        run.fail(settings, "why")
        run.interrupt()
        with pytest.raises(RunFailed, match="deleted while it ran"):
            run.check_is_there()
    left = [file.name for file in path.iterdir()]
    assert left == ([".lock"] if replaced else [])


def test_the_lock_of_another_process_is_left(tmp_path: Path) -> None:
    with open_folder(tmp_path) as run:
        run.lock.file.unlink()
        run.lock.file.write_text("of another process")
    assert run.lock.file.exists()


def of_a_folder(place: Path) -> None:
    place.mkdir()


def of_a_link(place: Path) -> None:
    place.symlink_to(place.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    ("obstacle", "number"), [(of_a_folder, errno.EISDIR), (of_a_link, errno.ELOOP)]
)
def test_what_stands_in_place_of_the_lock(
    tmp_path: Path, obstacle: Callable[[Path], None], number: int
) -> None:
    path = tmp_path / "run"
    path.mkdir()
    obstacle(path / ".lock")
    with pytest.raises(OSError, match="lock") as refused, open_folder(path):
        pass
    assert refused.value.errno == number
    assert problem_of(refused.value).where == str(path / ".lock")
    assert not (tmp_path / "elsewhere").exists()
    assert not lock.is_at_work(path)


def test_parts_of_killed_processes_are_removed(tmp_path: Path) -> None:
    (tmp_path / ".metrics.json.99.part").write_text("{")
    (tmp_path / ".adapter.99.part").mkdir()
    with open_folder(tmp_path):
        assert [file.name for file in tmp_path.iterdir()] == [".lock"]


def full(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "file")


def test_a_full_disk_leaves_failed_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = compose()
    with open_folder(tmp_path / "run") as run:
        run.begin(settings, {})
        monkeypatch.setattr(Path, "replace", full)
        run.fail(settings, "the disk is full")
    assert run.status == {"state": "failed", "error": "the disk is full", "step": 0}
    assert not list(run.path.glob(".*"))


def test_a_full_disk_from_the_start_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "write_text", full)
    monkeypatch.setattr(folder, "write_json", full)

    def begin() -> None:
        with open_folder(tmp_path / "a" / "run") as run:
            run.fail(compose(), "full")
            run.begin(compose(), {})

    with pytest.raises(OSError, match="No space"):
        begin()
    assert not (tmp_path / "a").exists()


def test_files_have_the_rights_that_the_umask_gives(tmp_path: Path) -> None:
    with files.whole_folder(tmp_path / "adapter") as made:
        (made / "weights").write_text("x")
        (made / "weights").chmod(0o600)
    (tmp_path / "other").write_text("x")
    modes = [
        stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("adapter/weights", "other")
    ]
    assert modes[0] == modes[1]


def test_a_folder_is_whole_or_the_one_before(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with files.whole_folder(tmp_path / "a") as made:
            (made / text).touch()
    with pytest.raises(ValueError, match="cut"), files.whole_folder(tmp_path / "a") as made:
        raise ValueError("cut")
    assert [file.name for file in tmp_path.rglob("*")] == ["a", "new"]


def test_a_wrong_request_leaves_no_new_folder(tmp_path: Path) -> None:
    def begin() -> None:
        with open_folder(tmp_path / "a" / "b") as run:
            run.begin(compose(), {})
            raise RequestError([])

    with pytest.raises(RequestError):
        begin()
    assert not (tmp_path / "a").exists()
