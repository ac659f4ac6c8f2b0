"""What is left of a run that cannot go on, and what is answered from a folder that is not whole."""

from __future__ import annotations

import errno
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunebook
from recipes import compose
from tests.correctness.test_same_bits import result_of
from tests.training.test_checkpoints import WORDS
from tunebook.errors import RequestError, RunFailed
from tunebook.training import state, trainer

Run = Callable[..., Path]


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, tiny_models: dict[str, Path],
    task_files: Callable[[str], list[str]],
) -> Run:  # fmt: skip
    """Runs in a folder of a name; gives the run's folder."""
    place = tmp_path_factory.mktemp("runs")

    def one(name: str, *more: str) -> Path:
        words = [*task_files("summarize"), f"model.path={tiny_models['llama']}", *WORDS, *more]
        settings = compose(*words, f"outputs={place / name}")
        return tunebook.run(settings, lambda _: None).folder

    return one


@pytest.fixture(scope="module")
def finished(run: Run) -> Path:
    """Leave it as it is."""
    return run("finished")


@pytest.mark.parametrize(
    ("name", "text"),
    [("predictions.jsonl", ""), ("metrics.json", "{}"), ("status.json", "[1]"),
     ("adapter/adapter_model.safetensors", ""), ("settings.yaml", "")],
)  # fmt: skip
def test_a_broken_finished_run_is_named_and_left(
    run: Run, finished: Path, name: str, text: str
) -> None:
    whole = (finished / name).read_bytes()
    (finished / name).write_text(text)
    try:
        with pytest.raises(RequestError) as refused:
            run("finished")
        said = str(refused.value)
        assert name.partition("/")[0] in said
        assert "again=true" in said
        assert (finished / name).read_text() == text
    finally:
        (finished / name).write_bytes(whole)
    assert run("finished") == finished


def test_every_file_has_the_same_rights(finished: Path) -> None:
    files = [file for file in finished.rglob("*") if file.is_file()]
    assert len({stat.S_IMODE(file.stat().st_mode) for file in files}) == 1


def at_step(step: int, then: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    original = trainer.Logging.on_step_end

    def stop(self: Any, args: Any, now: Any, control: Any, **more: Any) -> None:
        original(self, args, now, control, **more)
        if now.global_step == step:
            then()

    monkeypatch.setattr(trainer.Logging, "on_step_end", stop)


@pytest.mark.parametrize("step", [3, 6])
def test_a_folder_deleted_in_the_middle_is_a_failed_run(
    run: Run, finished: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    outputs = finished.parents[4] / f"deleted-{step}"
    with monkeypatch.context() as patch:
        at_step(step, lambda: shutil.rmtree(outputs), patch)
        with pytest.raises(RunFailed, match="was deleted while it ran"):
            run(outputs.name)
    assert not list(outputs.rglob("status.json"))
    assert result_of(run(outputs.name)) == result_of(finished)


def test_a_full_disk_fails_the_run_which_then_goes_on(
    run: Run, finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, saved = state.save, []

    def full(tensors: Any, path: Path) -> None:
        saved.append(path)
        if "checkpoint-4" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        save(tensors, path)

    with monkeypatch.context() as patch:
        patch.setattr(state, "save", full)
        with pytest.raises(RunFailed, match="the disk is full"):
            run("full")
    checkpoints = saved[0].parents[2]
    assert [one.name for one in checkpoints.iterdir()] == ["checkpoint-2"]
    status = json.loads((checkpoints.parent / "status.json").read_text())
    assert status["state"] == "failed"
    assert "the disk is full. Make room" in status["error"]
    assert result_of(run("full")) == result_of(finished)
