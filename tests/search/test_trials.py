"""Which settings are tried: known beforehand, the default first, no two alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunebook.errors import RequestError
from tunebook.search import plan
from tunebook.settings import Settings, resolve

Compose = Callable[..., Settings]


@pytest.fixture
def given(settings: Compose, t5_folder: Path) -> Compose:
    def composed(*words: str) -> Settings:
        return settings(f"model.path={t5_folder}", *words)

    return composed


def values(settings: Settings) -> list[dict[str, object]]:
    return [dict(trial.values) for trial in plan(settings).trials]


def test_the_first_trial_is_the_default(given: Compose) -> None:
    settings = given("method=prompt", "tune=4", "training.max_steps=7")
    first = plan(settings).trials[0]
    assert first.values == {"training.learning_rate": 0.3, "method.num_virtual_tokens": 20,
                            "method.init": "text"}  # fmt: skip
    tried, usual = resolve(first.settings).settings, resolve(settings).settings
    assert (tried.training, tried.method) == (usual.training, usual.method)


def test_trials_differ_and_stay_in_their_ranges(given: Compose) -> None:
    drawn = values(given("method=prompt", "tune=32"))
    assert len(drawn) == 32
    assert all(drawn.count(one) == 1 for one in drawn)
    rates = [one["training.learning_rate"] for one in drawn]
    assert all(isinstance(rate, float) and 0.03 <= rate <= 3 for rate in rates)
    assert {one["method.init"] for one in drawn} == {"text", "vocabulary", "random"}
    assert {one["method.num_virtual_tokens"] for one in drawn} == {5, 10, 20, 50, 100}
    below = sum(rate < 0.3 for rate in rates[1:])  # type: ignore[operator]
    assert 13 <= below <= 18  # a Sobol sequence lies evenly: half of 31 below the middle


def test_a_longer_search_begins_with_the_trials_of_a_shorter_one(given: Compose) -> None:
    long, short = values(given("method=lora", "tune=12")), values(given("method=lora", "tune=5"))
    assert long[:5] == short
    assert values(given("method=lora", "tune=5", "tune.seed=7")) != short
    assert values(given("method=lora", "tune=5", "seed=3")) == short


def test_a_key_that_is_typed_is_not_searched(given: Compose) -> None:
    settings = given("method=lora", "tune=6", "method.r=4")
    assert settings.tune.fixed == ["method.r"]
    assert all(set(one) == {"training.learning_rate"} for one in values(settings))
    assert all(trial.settings.method.r == 4  # type: ignore[attr-defined]
               for trial in plan(settings).trials)  # fmt: skip


def test_what_a_recipe_sets_is_the_default_that_is_tried_first(
    given: Compose, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("defaults:\n  - override /method: lora\n  - _self_\nmethod:\n  r: 3\n")
    drawn = values(given(f"recipe={recipe}", "tune=6"))
    assert drawn[0]["method.r"] == 3
    assert len({one["method.r"] for one in drawn}) > 2


def test_where_there_are_fewer_settings_than_trials_all_are_tried(given: Compose) -> None:
    search = plan(given("method=lora", "tune=8", "training.learning_rate=0.01"))
    assert sorted(trial.values["method.r"] for trial in search.trials) == [2, 4, 8, 16, 32]
    assert search.notes == ["tune: there are only 5 different settings to try"]


def test_settings_that_the_model_cannot_take_give_way_to_others(
    settings: Compose, llama_folder: Path
) -> None:
    given = settings(f"model.path={llama_folder}", "method=prefix", "tune=12",
                     "decoding.max_new_tokens=190")  # fmt: skip
    search = plan(given)
    assert len(search.trials) == 12
    assert {trial.values["method.num_virtual_tokens"] for trial in search.trials} == {5, 10, 20, 50}
    (note,) = search.notes
    assert "of the drawn settings cannot be run" in note
    assert "method.num_virtual_tokens=100" in note


def test_trials_have_a_seed_and_a_length_of_their_own_and_no_test_rows(given: Compose) -> None:
    settings = given("method=full", "tune=3", "tune.steps=5", "seed=2", "data.limit.test=9",
                     "training.num_train_epochs=2")  # fmt: skip
    for trial in plan(settings).trials:
        tried = resolve(trial.settings).settings
        assert (tried.seed, tried.training.max_steps, tried.data.limit.test) == (1000, 5, None)
        assert tried.training.num_train_epochs is None
    assert settings.training.num_train_epochs == 2


def test_the_seed_of_the_trials_is_not_that_of_the_run(given: Compose) -> None:
    with pytest.raises(RequestError, match="1000 is the seed of the trials too"):
        plan(given("method=lora", "tune=3", "seed=1000"))


def test_a_search_without_anything_to_search(given: Compose) -> None:
    with pytest.raises(RequestError, match="every key that full searches is fixed"):
        plan(given("method=full", "tune=3", "training.learning_rate=0.1"))


def test_a_trial_that_is_not_there(given: Compose) -> None:
    assert plan(given("method=full", "tune=3", "tune.only=2")).only().number == 2  # type: ignore[union-attr]
    with pytest.raises(RequestError, match="'4' is neither a trial, 1 to 3, nor winner"):
        plan(given("method=full", "tune=3", "tune.only=4")).only()
