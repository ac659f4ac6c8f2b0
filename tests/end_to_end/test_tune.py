"""Searches as they are typed: alone, in a sweep, in several processes, cut off, failing, wrong."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from finished import finished

from recipes.run import one_run
from tunebook.command.command import answer
from tunebook.methods.lora import LoRA
from tunebook.settings import Settings

STEPS = ["training.max_steps=3", "training.batch_size=4", "decoding.max_new_tokens=4"]


@pytest.fixture
def words(small_run: list[str]) -> list[str]:
    """A small run's words, but for the method and the search."""
    return [*small_run, *STEPS]


def reports() -> dict[str, dict[str, Any]]:
    """The report of each method's search."""
    return {file.parent.name: json.loads(file.read_text())
            for file in Path("outputs").glob("*/*/*/tune-*.json")}  # fmt: skip


def settings_of(method: str) -> list[dict[str, Any]]:
    """The settings of each run of `method`, by seed."""
    files = Path("outputs").glob(f"*/*/{method}/*/settings.yaml")
    found = [yaml.safe_load(file.read_text()) for file in files]
    return sorted(found, key=lambda settings: int(settings["seed"]))


def test_one_command_searches_and_runs_the_winner(
    words: list[str], capsys: pytest.CaptureFixture[str], loads: list[Any]
) -> None:
    assert answer([*words, "method=lora", "tune=2"], one_run, "recipes.run") == 0
    shown = capsys.readouterr().out
    assert len(loads) == 1
    assert re.search(r"^trial 2 of 2: learning_rate=\S+ r=\d+: validation loss \d", shown, re.M)
    assert re.search(r"^tune: .* of 2 trials wins", shown, re.M)
    assert "rougeL" in shown
    assert reports()["lora"]["winner"]["trial"] in (1, 2)


@pytest.mark.slow
def test_a_sweep_searches_once_a_method_and_runs_the_winner_on_every_seed(
    words: list[str], capsys: pytest.CaptureFixture[str], loads: list[Any]
) -> None:
    swept = ["-m", *words, "method=zero_shot,prompt,lora", "seed=0,1", "tune=3"]
    assert answer(swept, one_run, "recipes.run") == 0
    shown, told = capsys.readouterr()
    assert len(loads) == 1
    assert "tunebook: 6 trials: 6 done" in told
    assert "tunebook: 6 runs: 6 done" in told
    assert re.search(r"\[4/12\] method=lora trial 1 of 3 .*done in \d+ s, validation loss \d", told)
    assert "zero_shot trains nothing, so it has no trials" in told
    assert all(len(re.findall(rf"^{m} +2 ", shown, re.M)) == 1 for m in ("prompt", "lora"))
    assert sorted(reports()) == ["lora", "prompt"]
    for method, report in reports().items():
        assert len(report["trials"]) == 3
        rates = {one["training"]["learning_rate"] for one in settings_of(method)}
        assert rates == {report["winner"]["values"]["training.learning_rate"]}
        assert [one["seed"] for one in settings_of(method)] == [0, 1]
    assert not Path("outputs/.sweeps").exists()
    assert answer(swept, one_run, "recipes.run") == 0
    again, told = capsys.readouterr()
    assert again == shown
    assert "6 trials: 6 finished before" in told
    assert "6 runs: 6 finished before" in told


@pytest.mark.slow
def test_a_trial_that_fails_is_told_and_fails_no_run(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = LoRA.attach

    def attach(self: Any, base: Any, settings: Settings, say: Any) -> Any:
        if settings.seed == 1000 and settings.method.r == 8:  # type: ignore[attr-defined]
            raise MemoryError
        return original(self, base, settings, say)

    swept = ["-m", *words, "method=lora", "seed=0,1", "tune=3"]
    with monkeypatch.context() as patch:
        patch.setattr(LoRA, "attach", attach)
        assert answer(swept, one_run, "recipes.run") == 0
    told = capsys.readouterr().err
    assert re.search(r"^tunebook: 3 trials: (\d failed, \d done|\d done, \d failed)", told, re.M)
    assert re.search(r"^  trial 1 of 3 \(.*\): MemoryError: out of memory", told, re.M)
    assert "tunebook: 2 runs: 2 done" in told
    assert reports()["lora"]["trials"][0]["state"] == "failed"
    assert answer(swept, one_run, "recipes.run") == 0
    assert {one["state"] for one in reports()["lora"]["trials"]} == {"complete"}


@pytest.mark.slow
def test_where_no_trial_ends_its_runs_fail_and_the_others_do_not(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def attach(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(LoRA, "attach", attach)
    swept = ["-m", *words, "method=lora,prompt", "tune=2"]
    assert answer(swept, one_run, "recipes.run") == 1
    shown, told = capsys.readouterr()
    assert "4 trials: 2 failed, 2 done" in told
    assert "2 runs: 1 failed, 1 done" in told
    assert re.search(r"^  method=lora: none of 2 trials has a validation loss: Mem", told, re.M)
    assert re.search(r"failed: lora .*none of 2 trials", shown)


def test_a_dry_run_of_a_sweep_plans_no_trials(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    swept = ["-m", *words, "method=lora,prompt", "tune=3", "dry_run=true"]
    assert answer(swept, one_run, "recipes.run") == 0
    told = capsys.readouterr().err
    assert told.count("trial 3: learning_rate=") == 2
    assert "[2/2]" in told
    assert not Path("outputs").exists()


@pytest.mark.parametrize(("more", "problem"), [
    (["method=lora", "tune=0"], "tune.trials: must be at least 1, got 0"),
    (["method=lora", "tune=abc"], "tune.trials: expects a whole number, got 'abc'"),
    (["method=lora", "tune="], "tune.trials: expects a whole number, got nothing"),
    (["method=lora", "tune=5000"], "tune.trials: must be at most 1000, got 5000"),
    (["method=lora", "tune=2,4"], "tune.trials=2,4: gives several values. Add -m"),
    (["method=lora", "tune.trails=2"], "tune.trails: no such key. Did you mean tune.trials?"),
    (["method=lora", "tune=2", "tune.steps=0"], "tune.steps: must be at least 1, got 0"),
    (["method=lora", "tune=2", "tune.only=3"], "tune.only: '3' is neither a trial, 1 to 2"),
    (["method=lora", "tune=2", "seed=1000"], "seed: 1000 is the seed of the trials too"),
    (["-m", "method=lora", "tune=2", "seed=0,1000"], "seed: 1000 is the seed of the trials too"),
    (["method=zero_shot", "tune=2"], "tune: with zero_shot nothing is trained, so there is"),
    (["-m", "method=zero_shot,instruction", "tune=2"],
     "tune: with zero_shot and instruction nothing is trained"),
    (["method=full", "tune=2", "training.learning_rate=0.1"],
     "tune: every key that full searches is fixed. Leave out tune=, or one of training.learning"),
])  # fmt: skip
def test_a_wrong_search_is_refused_before_anything_is_run(
    more: list[str], problem: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer([*more, *words], one_run, "recipes.run") == 2
    told = capsys.readouterr().err
    assert problem in told
    assert "nothing was run" in told
    assert not Path("outputs").exists()


def command(words: list[str], *more: str) -> list[str]:
    """The command line in a process of its own."""
    return [sys.executable, "-m", "recipes.run", *words, *more]


@pytest.mark.slow
def test_several_processes_find_the_winner_that_one_finds(words: list[str]) -> None:
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    swept = ["-m", *words, "method=lora", "seed=0,1", "tune=3"]
    joblib = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    done = subprocess.run(command(swept, *joblib), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "3 trials: 3 done" in done.stderr
    assert "2 runs: 2 done" in done.stderr
    many = reports()["lora"]
    subprocess.run(command(swept, "outputs=one"), capture_output=True, check=True)
    (file,) = Path("one").glob("*/*/lora/tune-*.json")
    alone = json.loads(file.read_text())
    found = [[(one["trial"], one["values"], one["validation_loss"]) for one in report["trials"]]
             for report in (many, alone)]  # fmt: skip
    assert found[0] == found[1]
    assert many["winner"]["trial"] == alone["winner"]["trial"]


@pytest.mark.slow
def test_kill_9_in_a_trial_then_the_same_command(words: list[str]) -> None:
    words = [word for word in words if "max_steps" not in word]
    swept = ["-m", *words, "training.max_steps=120", "method=lora", "seed=0,1", "tune=3"]
    killed = subprocess.Popen(command(swept), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    trials = "outputs/*/*/*/.trials/*"
    while not (
        list(Path().glob(f"{trials}/checkpoints/checkpoint-*/trainer_state.json"))
        and finished(trials)
    ):
        assert killed.poll() is None, killed.stderr.read() if killed.stderr else ""
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = finished(trials)
    assert 0 < len(done) < 3
    again = subprocess.run(command(swept), capture_output=True, text=True, check=True)
    assert f"3 trials: {len(done)} finished before, {3 - len(done)} done" in again.stderr
    assert done == {path: path.stat().st_mtime_ns for path in done}
    subprocess.run(command(swept, "outputs=whole"), capture_output=True, check=True)
    (file,) = Path("whole").glob("*/*/lora/tune-*.json")
    whole, resumed = json.loads(file.read_text()), reports()["lora"]
    losses = [[one["validation_loss"] for one in report["trials"]] for report in (whole, resumed)]
    assert losses[0] == losses[1]
    assert whole["winner"]["values"] == resumed["winner"]["values"]
    adapters = [sorted(file.read_bytes() for file in Path(top).rglob("adapter_model.safetensors"))
                for top in ("outputs", "whole")]  # fmt: skip
    assert adapters[0] == adapters[1]
    assert len(adapters[0]) == 2


@pytest.mark.slow
def test_two_commands_at_once_share_the_trials(words: list[str]) -> None:
    swept = ["-m", *words, "method=lora", "seed=0,1", "tune=4"]
    both = [subprocess.Popen(command(swept), stderr=subprocess.PIPE, stdout=subprocess.PIPE,
                             text=True) for _ in range(2)]  # fmt: skip
    told = [one.communicate()[1] for one in both]
    assert all("Traceback" not in text for text in told)
    assert {one["state"] for one in reports()["lora"]["trials"]} == {"complete"}
    assert sum(int(n) for text in told for n in re.findall(r"4 trials: .*?(\d) done", text)) == 4
    assert [one["seed"] for one in settings_of("lora")] == [0, 1]
