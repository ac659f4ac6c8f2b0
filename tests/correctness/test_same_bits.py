"""The same seed gives the same bits, and an interrupted run ends as an uninterrupted one."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tunebook
from recipes import compose
from tests.correctness.conftest import FAMILIES, METHODS, words_for
from tunebook.training import trainer

every = pytest.mark.parametrize("family", FAMILIES)
NOT_COMPARED = ("seconds", "throughput", "peak_memory_bytes")


def run(words: list[str], outputs: Path) -> Path:
    """The folder of a finished run."""
    return tunebook.run(compose(*words, f"outputs={outputs}"), lambda _: None).folder


def result_of(folder: Path) -> dict[str, Any]:
    """Everything a run leaves, but for times."""
    metrics = json.loads((folder / "metrics.json").read_text())
    rows = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return {
        "weights": [file.read_bytes() for file in sorted(folder.rglob("*.safetensors"))],
        "history": [{k: v for k, v in row.items() if k != "seconds"} for row in rows],
        "predictions": (folder / "predictions.jsonl").read_text(),
        "metrics": {k: v for k, v in metrics.items() if k not in NOT_COMPARED},
    }


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C behind the given step, once."""
    original = trainer.Logging.on_step_end

    def stop(self: Any, args: Any, state: Any, control: Any, **more: Any) -> None:
        original(self, args, state, control, **more)
        if state.global_step == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(trainer.Logging, "on_step_end", stop)


@pytest.mark.sample("lora-tiny_llama")
@every
@pytest.mark.parametrize("method", METHODS)
def test_interrupted_equals_uninterrupted_equals_repeated(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, method: str, family: str,
) -> None:  # fmt: skip
    words = words_for(method, family)
    more = ["training.gradient_accumulation_steps=2"] if method == "lora" else []
    once = result_of(run([*words, *more], tmp_path / "once"))
    with monkeypatch.context() as patch:
        interrupt_at(6, patch)
        with pytest.raises(KeyboardInterrupt):
            run([*words, *more], tmp_path / "again")
    (folder,) = (tmp_path / "again").glob("*/*/*/*")
    assert json.loads((folder / "status.json").read_text())["state"] == "running"
    assert (folder / "checkpoints" / "checkpoint-4").is_dir()
    said: list[str] = []
    settings = compose(*words, *more, f"outputs={tmp_path / 'again'}")
    assert tunebook.run(settings, said.append).folder == folder
    assert "resuming from step 4 of 12" in said
    assert result_of(folder) == once
    assert not (folder / "checkpoints").exists()


@pytest.mark.slow
def test_a_half_written_checkpoint_is_passed_over(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    words = words_for("prompt", "tiny_t5")
    once = result_of(run(words, tmp_path / "once"))
    with monkeypatch.context() as patch:
        interrupt_at(10, patch)
        with pytest.raises(KeyboardInterrupt):
            run(words, tmp_path / "again")
    (newest,) = (tmp_path / "again").glob("*/*/*/*/checkpoints/checkpoint-8")
    (newest / "trainer_state.json").write_text('{"global_step":')
    assert result_of(run(words, tmp_path / "again")) == once


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    words = [*words_for("lora", "tiny_llama"), "training.max_steps=2", "training.eval_steps=2"]
    zero, one = (result_of(run([*words, f"seed={seed}"], tmp_path)) for seed in (0, 1))
    assert zero["weights"] != one["weights"]


SIXTY = [w for w in words_for("prompt", "tiny_llama") if "steps" not in w]
SIXTY += ["training.max_steps=60", "training.eval_steps=10"]


def typed(outputs: Path) -> list[str]:
    """The command line of a run of sixty steps."""
    return [sys.executable, "-m", "recipes.run", *SIXTY, f"outputs={outputs}"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run, never interrupted: in another process, whose threads change the last bits."""
    outputs = tmp_path_factory.mktemp("whole")
    subprocess.run(typed(outputs), check=True, capture_output=True)
    (folder,) = outputs.glob("*/*/*/*")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seen", "said", "number"),
    [(".draft/checkpoint-10/optimizer.pt", "", signal.SIGKILL),
     ("checkpoint-*/whole.json", "resuming from step", signal.SIGKILL),
     ("checkpoint-60/trainer_state.json", "", signal.SIGKILL),
     ("checkpoint-60/whole.json", "trained already", signal.SIGKILL),
     ("checkpoint-*/whole.json", "resuming from step", signal.SIGTERM)],
)  # fmt: skip
def test_kill_then_the_same_command(
    tmp_path: Path, whole: Path, seen: str, said: str, number: int
) -> None:
    """As soon as a file is there: between the files of a checkpoint, behind it, while scoring."""
    killed = subprocess.Popen(typed(tmp_path), stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob(f"*/*/*/*/checkpoints/{seen}")):
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.002)
    killed.send_signal(number)
    _, told = killed.communicate()
    (folder,) = tmp_path.glob("*/*/*/*")
    if number == signal.SIGTERM:
        assert killed.returncode == 143
        assert told == "tunebook: interrupted; the same command continues\n"
        assert "interrupted" in json.loads((folder / "status.json").read_text())["error"]
    again = subprocess.run(typed(tmp_path), check=True, capture_output=True, text=True)
    assert said in again.stdout
    assert result_of(folder) == result_of(whole)
    for name in ("adapter/adapter_config.json", "status.json"):
        assert (folder / name).read_text() == (whole / name).read_text()
    assert sorted(f.name for f in folder.iterdir()) == sorted(f.name for f in whole.iterdir())
