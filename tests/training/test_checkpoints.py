"""What an interruption leaves: whole checkpoints are continued from, others are passed over."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tunebook
from recipes import compose
from tests.correctness.test_same_bits import result_of
from tunebook.pipeline import steps
from tunebook.training import checkpoints
from tunebook.training.trainer import PromptTrainer

WORDS = ("method=lora", "model.device=cpu", "training.max_steps=6", "training.eval_steps=2",
         "training.batch_size=4", "training.learning_rate=0.05", "data.limit.train=16",
         "data.limit.validation=4", "data.limit.test=4", "decoding.max_new_tokens=4",
         "training.optim=adamw_torch")  # fmt: skip


def made(folder: Path, step: int) -> Path:
    checkpoint = folder / f"checkpoint-{step}"
    checkpoint.mkdir(parents=True)
    for name in ("trainer_state.json", "optimizer.pt", "scheduler.pt", "rng_state.pth"):
        (checkpoint / name).write_text(f"{name} of {step}")
    checkpoints.seal(checkpoint)
    return checkpoint


DAMAGE: dict[str, Callable[[Path], object]] = {
    "lost": Path.unlink,
    "emptied": lambda file: file.write_text(""),
    "cut off": lambda file: file.write_bytes(file.read_bytes()[:-3]),
    "changed": lambda file: file.write_bytes(file.read_bytes()[:-3] + b"xxx"),
    "a folder": lambda file: (file.unlink(), file.mkdir()),
}


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth", checkpoints.SEAL])
@pytest.mark.parametrize("damage", DAMAGE)
def test_of_a_damaged_checkpoint_the_one_before_is_taken(
    tmp_path: Path, name: str, damage: str
) -> None:
    before, newest = made(tmp_path, 4), made(tmp_path, 12)
    said: list[str] = []
    assert checkpoints.last_whole(tmp_path, said.append) == newest
    assert not said
    DAMAGE[damage](newest / name)
    assert checkpoints.last_whole(tmp_path, said.append) == before
    (line,) = said
    assert line.startswith("checkpoint-12 is not whole (")
    assert not newest.exists()


def test_what_is_no_checkpoint_is_passed_over(tmp_path: Path) -> None:
    for name in ("checkpoint-x", "checkpoint-", "checkpoint-²"):
        (tmp_path / name).mkdir()
    assert checkpoints.last_whole(tmp_path, lambda _: None) is None


@pytest.fixture(scope="module")
def run(
    tmp_path_factory: pytest.TempPathFactory, tiny_models: dict[str, Path],
    task_files: Callable[[str], list[str]],
) -> Callable[..., tuple[Path, list[str]]]:  # fmt: skip
    """Runs below a name; gives the folder and what was said."""
    place = tmp_path_factory.mktemp("runs")

    def one(name: str, *more: str) -> tuple[Path, list[str]]:
        words = [*task_files("summarize"), f"model.path={tiny_models['llama']}", *WORDS, *more]
        said: list[str] = []
        settings = compose(*words, f"outputs={place / name}")
        return tunebook.run(settings, said.append).folder, said

    return one


@pytest.fixture(scope="module")
def uninterrupted(run: Callable[..., Any]) -> dict[str, Any]:
    return result_of(run("uninterrupted")[0])


def steps_of(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of each step that is trained from now on."""
    trained: list[int] = []
    original = PromptTrainer.training_step

    def counted(self: Any, *words: Any, **more: Any) -> Any:
        trained.append(self.state.global_step + 1)
        return original(self, *words, **more)

    monkeypatch.setattr(PromptTrainer, "training_step", counted)
    return trained


def cut_while_scoring(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str,
                      *more: str) -> Path:  # fmt: skip
    """A run that ended like a killed one, behind its training; returns its folder."""
    with monkeypatch.context() as patch:
        folders: list[Path] = []
        original = steps.train

        def then_killed(plan: Any, folder: Any, *more: Any) -> Any:
            original(plan, folder, *more)
            folders.append(folder.path)
            raise KeyboardInterrupt

        patch.setattr(steps, "train", then_killed)
        with pytest.raises(KeyboardInterrupt):
            run(name, *more)
    return folders[0]


def test_killed_while_scoring_no_step_is_trained_again(
    run: Callable[..., Any], uninterrupted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cut_while_scoring(run, monkeypatch, "scoring")
    trained = steps_of(monkeypatch)
    again, said = run("scoring")
    assert again == folder
    assert trained == []
    assert result_of(folder) == uninterrupted
    assert not any("resuming from step 6 of 6" in line for line in said)
    assert json.loads((folder / "status.json").read_text())["step"] == 6


def test_killed_behind_an_early_stop_no_step_is_trained_again(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stops = ("training.early_stopping=1", "training.learning_rate=5", "training.eval_steps=1")
    whole = result_of(run("stopped", *stops)[0])
    assert whole["history"][-1]["step"] < 6, "it must stop before the last step"
    folder = cut_while_scoring(run, monkeypatch, "stopped-cut", *stops)
    trained = steps_of(monkeypatch)
    run("stopped-cut", *stops)
    assert trained == []
    assert result_of(folder) == whole


@pytest.mark.parametrize(
    "lost", ["optimizer.pt", "scheduler.pt", "rng_state.pth", "trained.safetensors"]
)
def test_a_lost_file_costs_the_way_from_the_checkpoint_before(
    run: Callable[..., Any], uninterrupted: dict[str, Any], monkeypatch: pytest.MonkeyPatch,
    lost: str,
) -> None:  # fmt: skip
    folder = cut_while_scoring(run, monkeypatch, lost)
    (folder / "checkpoints" / "checkpoint-6" / lost).unlink()
    (folder / "history.jsonl").write_text("")
    trained = steps_of(monkeypatch)
    _, said = run(lost)
    assert trained == [5, 6]
    assert f"checkpoint-6 is not whole ({lost} cannot be read): it is left out" in said
    assert "resuming from step 4 of 6" in said
    assert result_of(folder) == uninterrupted


def test_seconds_are_those_of_every_process(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cut_while_scoring(run, monkeypatch, "time")
    kept = folder / "checkpoints" / "checkpoint-6"
    rows = [json.loads(line) for line in (kept / "history.jsonl").read_text().splitlines()]
    slow = "".join(json.dumps({**row, "seconds": row["seconds"] + 1000}) + "\n" for row in rows)
    (kept / "history.jsonl").write_text(slow)
    (kept / "measured.json").write_text('{"peak_memory": 1000000000000}')
    (kept / checkpoints.SEAL).unlink()
    checkpoints.seal(kept)
    run("time")
    metrics = json.loads((folder / "metrics.json").read_text())
    seconds = 1000 + rows[-1]["seconds"]
    assert metrics["seconds"]["train"] == pytest.approx(seconds, abs=1e-3)
    assert metrics["seconds"]["total"] > seconds
    assert metrics["throughput"]["examples_per_second"] == pytest.approx(24 / seconds, rel=1e-3)
    assert metrics["peak_memory_bytes"] == 10**12


def test_without_a_whole_checkpoint_training_begins_anew(
    run: Callable[..., Any], uninterrupted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = cut_while_scoring(run, monkeypatch, "anew")
    for checkpoint in (folder / "checkpoints").iterdir():
        (checkpoint / checkpoints.SEAL).unlink()
    trained = steps_of(monkeypatch)
    run("anew")
    assert trained == [1, 2, 3, 4, 5, 6]
    assert result_of(folder) == uninterrupted
    shutil.rmtree(folder)
