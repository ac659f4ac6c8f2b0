"""A search from its first trial to the run of its winner."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import tunebook
from recipes import compose
from tunebook.errors import RequestError, RunFailed
from tunebook.methods.lora import LoRA
from tunebook.settings import Settings

SMALL = ["training.max_steps=4", "training.batch_size=4", "decoding.max_new_tokens=4"]


@pytest.fixture(scope="module")
def small(t5_folder: Path, task_files: Callable[[str], list[str]]) -> list[str]:
    """A small run of LoRA, without a search or a place."""
    return [*task_files("summarize"), "method=lora", f"model.path={t5_folder}", *SMALL]


@pytest.fixture
def words(small: list[str], tmp_path: Path) -> list[str]:
    """That run in a place of its own."""
    return [*small, f"outputs={tmp_path}/outputs"]


@dataclasses.dataclass(frozen=True)
class Searched:
    """A finished search: its words, without the search's own, and what came of it."""

    words: list[str]
    place: Path
    result: Any
    said: list[str]


@pytest.fixture(scope="module")
def searched(small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """Four trials and the winner's run, to be looked at."""
    place = tmp_path_factory.mktemp("searched")
    words = [*small, f"outputs={place}/outputs"]
    return Searched(words, place, *run(words, "tune=4"))


def run(words: list[str], *more: str) -> tuple[Any, list[str]]:
    """The result and what was said."""
    said: list[str] = []
    return tunebook.run(compose(*words, *more), said.append), said


def report_of(result: Any) -> dict[str, Any]:
    (file,) = result.folder.parent.glob("tune-*.json")
    return dict(json.loads(file.read_text()))


def trials_of(tmp_path: Path) -> dict[Path, int]:
    """When each trial was last written."""
    return {f: f.stat().st_mtime_ns for f in tmp_path.glob("outputs/*/*/*/.trials/*/metrics.json")}


def test_the_trial_of_lowest_validation_loss_is_run(searched: Searched) -> None:
    result, said = searched.result, searched.said
    report = report_of(result)
    losses = [one["validation_loss"] for one in report["trials"]]
    winner = report["winner"]
    assert winner["validation_loss"] == min(losses)
    assert losses.index(min(losses)) + 1 == winner["trial"]
    assert winner["validation_loss"] <= losses[0]  # the default is one of them
    settings = yaml.safe_load((result.folder / "settings.yaml").read_text())
    assert settings["training"]["learning_rate"] == winner["values"]["training.learning_rate"]
    assert settings["method"]["r"] == winner["values"]["method.r"]
    assert settings["seed"] == 0
    assert settings["tune"]["report"] == next(result.folder.parent.glob("tune-*")).name
    assert report["budget"]["steps"] == 4 * 4
    assert len(trials_of(searched.place)) == 4
    assert sum("validation loss" in line for line in said if line.startswith("trial ")) == 4


def test_the_winner_is_the_run_that_one_could_have_typed(searched: Searched) -> None:
    result = searched.result
    chosen = report_of(result)["winner"]["values"]
    typed, _ = run(searched.words, *(f"{key}={value}" for key, value in chosen.items()))
    assert (typed.folder, typed.fresh) == (result.folder, False)
    assert json.loads((result.folder / "metrics.json").read_text())["seed"] == 0


@pytest.mark.slow
def test_the_same_again_trains_nothing_and_a_longer_search_takes_over(
    words: list[str], tmp_path: Path
) -> None:
    first, _ = run(words, "tune=3")
    before = trials_of(tmp_path)
    again, said = run(words, "tune=3")
    assert (again.folder, again.fresh) == (first.folder, False)
    assert sum("(finished before)" in line for line in said) == 3
    assert trials_of(tmp_path) == before
    run(words, "tune=5", "seed=4")
    after = trials_of(tmp_path)
    assert len(after) == 5
    assert before.items() <= after.items()


@pytest.mark.slow
def test_again_tries_all_anew(words: list[str], tmp_path: Path) -> None:
    run(words, "tune=2")
    before = trials_of(tmp_path)
    run(words, "tune=2", "again=true")
    after = trials_of(tmp_path)
    assert before.keys() == after.keys()
    assert all(after[file] > before[file] for file in before)


def test_the_default_that_wins_is_the_untuned_run_and_says_who_chose_it(
    words: list[str],
) -> None:
    plain, _ = run(words)
    settings = compose(*words, "tune=2")
    settings.method.search = {"training.learning_rate": {"low": 1e-9, "high": 2e-9, "log": True}}
    tuned = tunebook.run(settings, lambda _: None)
    assert (tuned.folder, tuned.fresh) == (plain.folder, False)
    assert report_of(tuned)["winner"]["trial"] == 1
    assert yaml.safe_load((plain.folder / "settings.yaml").read_text())["tune"]["report"]


def test_a_trial_never_sees_the_test_split(words: list[str], tmp_path: Path) -> None:
    absent = [word for word in words if not word.startswith("data.test=")]
    absent.append(f"data.test={tmp_path}/absent.jsonl")
    tried, _ = run(absent, "tune=2", "tune.only=2")
    assert tried.loss > 0
    with pytest.raises(RequestError, match="there is no file"):
        run(absent)
    with_test, _ = run(words, "tune=2", "tune.only=2")
    assert (with_test.folder, with_test.fresh) == (tried.folder, False)
    names = {file.name for file in tried.folder.iterdir()}
    assert not names & {"predictions.jsonl", "adapter", "checkpoints"}
    assert not (tmp_path / "outputs" / ".before").exists()


def test_held_out_test_rows_stay_held_out(words: list[str], tmp_path: Path) -> None:
    """Without a test file, the trials train on what the run trains on: not on its test rows."""
    from tunebook import data
    from tunebook.tasks import task_of

    held = [word for word in words if not word.startswith(("data.test=", "data.validation="))]
    settings = compose(*held)
    task = task_of(settings.task)
    whole = data.load(settings.data, task, lambda _: None)
    seen = data.load_to_select(settings.data, task, lambda _: None)
    assert seen.train["id"] == whole.train["id"]
    assert seen.validation["id"] == whole.validation["id"]
    assert (len(seen.test), len(whole.test)) == (0, 4)
    assert not set(seen.train["id"]) & set(whole.test["id"])


def fails_at(rank: int, error: Exception) -> Callable[..., Any]:
    original = LoRA.attach

    def attach(self: Any, base: Any, settings: Settings, say: Any) -> Any:
        if settings.method.r == rank:  # type: ignore[attr-defined]
            raise error
        return original(self, base, settings, say)

    return attach


@pytest.mark.slow
def test_a_trial_out_of_memory_counts_is_told_and_is_tried_again(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = tunebook.search.plan(compose(*words, "tune=4")).trials  # type: ignore[attr-defined]
    failing = [trial.number for trial in planned if trial.values["method.r"] == 8]
    assert failing[0] == 1
    with monkeypatch.context() as patch:
        patch.setattr(LoRA, "attach", fails_at(8, MemoryError()))
        result, said = run(words, "tune=4")
    entries = report_of(result)["trials"]
    assert [one["trial"] for one in entries if one["state"] == "failed"] == failing
    assert entries[0]["reason"] == "MemoryError: out of memory"
    assert any(line.startswith("trial 1 of 4") and "failed: MemoryError" in line for line in said)
    assert f"{len(failing)} failed" in next(line for line in said if "wins" in line)
    run(words, "tune=4")
    assert {one["state"] for one in report_of(result)["trials"]} == {"complete"}


def test_where_no_trial_ends_well_the_run_fails(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LoRA, "attach", fails_at(8, MemoryError()))
    with pytest.raises(RunFailed, match="none of 3 trials has a validation loss: MemoryError"):
        run(words, "tune=3", "method.r=8")


def test_a_loss_that_is_no_number_is_a_result_and_not_tried_again(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    attach = LoRA.attach

    def diverging(self: Any, base: Any, settings: Settings, say: Any) -> Any:
        model = attach(self, base, settings, say)
        if settings.training.learning_rate > 1:
            for one in model.parameters():
                if one.requires_grad:
                    one.data.fill_(math.nan)
        return model

    monkeypatch.setattr(LoRA, "attach", diverging)
    settings = compose(*words, "tune=2")
    settings.method.search = {"training.learning_rate": {"low": 10, "high": 100, "log": True}}
    result = tunebook.run(settings, lambda _: None)
    first, second = report_of(result)["trials"]
    assert (first["state"], second["state"]) == ("complete", "complete")
    assert second["validation_loss"] is None
    assert second["reason"] == "the loss became no number"
    said: list[str] = []
    tunebook.run(settings, said.append)
    (line,) = (line for line in said if line.startswith("trial 2"))
    assert line.endswith("the loss became no number (finished before)")


def test_the_winner_waits_for_trials_that_have_not_ended(words: list[str]) -> None:
    run(words, "tune=3", "tune.only=1")
    with pytest.raises(RunFailed, match="trials 2, 3 of 3 did not end; the same command"):
        run(words, "tune=3", "tune.only=winner")


def test_a_trial_cut_off_in_the_middle_ends_as_an_undisturbed_one(
    words: list[str], tmp_path: Path
) -> None:
    from tunebook.training import trainer

    whole, _ = run(words, "tune=2", "tune.only=2", f"outputs={tmp_path}/whole")
    original = trainer.PromptTrainer.evaluate

    def cut_off(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self.state.global_step == 3:
            raise KeyboardInterrupt
        return original(self, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.PromptTrainer, "evaluate", cut_off)
        with pytest.raises(KeyboardInterrupt):
            run(words, "tune=2", "tune.only=2")
    (folder,) = tmp_path.glob("outputs/*/*/*/.trials/*")
    assert list(folder.glob("checkpoints/checkpoint-*"))
    resumed, _ = run(words, "tune=2", "tune.only=2")
    kept = ("validation_loss", "best_step", "steps", "train_loss")
    assert [resumed.metrics[key] for key in kept] == [whole.metrics[key] for key in kept]


def test_a_dry_run_lists_the_trials_and_writes_nothing(words: list[str], tmp_path: Path) -> None:
    _, said = run(words, "tune=3", "dry_run=true")
    assert [line for line in said if line.startswith("  trial 1: ")] == [
        "  trial 1: learning_rate=0.0002 r=8"
    ]
    assert sum(line.startswith("  trial ") for line in said) == 3
    assert not (tmp_path / "outputs").exists()


def test_a_baseline_has_no_trials(words: list[str], tmp_path: Path) -> None:
    settings = compose(*[word for word in words if word != "method=lora"], "method=zero_shot")
    settings.tune = dataclasses.replace(settings.tune, trials=3)
    said: list[str] = []
    result = tunebook.run(settings, said.append)
    assert "tune: zero_shot trains nothing, so it has no trials" in said
    assert result.metrics["method"] == "zero_shot"
    assert not trials_of(tmp_path)
