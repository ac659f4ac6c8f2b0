"""Filling the gaps: who wins, where a value came from, and what is warned of."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from tunebook.errors import RequestError
from tunebook.settings import Settings, resolve
from tunebook.settings.resolve import filled, steps_of

Compose = Callable[..., Settings]


@pytest.fixture
def with_t5(settings: Compose, t5_folder: Path) -> Compose:
    def composed(*words: str) -> Settings:
        return settings(f"model.path={t5_folder}", *words)

    return composed


@pytest.fixture
def with_llama(settings: Compose, llama_folder: Path) -> Compose:
    def composed(*words: str) -> Settings:
        return settings(f"model.path={llama_folder}", *words)

    return composed


def test_the_user_comes_first_then_the_model_then_the_method_then_tunebook(
    with_t5: Compose,
) -> None:
    given = with_t5("method=prompt", "training.weight_decay=0.5")
    given.model.by_method = {"prompt": {"training.learning_rate": 0.1, "training.weight_decay": 1}}
    found = resolve(given)
    training = found.settings.training
    assert training.weight_decay == 0.5
    assert training.learning_rate == 0.1
    assert (training.optim, training.lr_scheduler_type) == ("adafactor", "constant")
    assert (training.batch_size, training.num_train_epochs) == (32, 3.0)
    assert "training.weight_decay" not in found.origins
    assert found.origins["training.learning_rate"] == "model t5 for prompt"
    assert found.origins["training.optim"] == "method prompt for encoder-decoder"
    assert found.origins["training.num_train_epochs"] == "Tunebook's default"
    assert found.origins["model.family"] == "the model's config.json"


def test_the_family_decides(with_t5: Compose, with_llama: Compose) -> None:
    encoder, decoder = resolve(with_t5()).settings, resolve(with_llama()).settings
    assert (encoder.model.family, encoder.training.learning_rate) == ("encoder-decoder", 0.3)
    assert (decoder.model.family, decoder.training.learning_rate) == ("decoder-only", 0.03)
    assert decoder.training.optim == "adamw_torch"


def test_what_is_given_stays_as_it_is(with_t5: Compose) -> None:
    given = with_t5()
    before = dataclasses.asdict(given)
    resolve(given)
    assert dataclasses.asdict(given) == before


def test_resolved_settings_resolve_to_themselves(with_t5: Compose) -> None:
    once = resolve(with_t5("debug=true")).settings
    assert resolve(once).settings == once


def test_a_model_without_a_name_is_named_by_its_folder(
    with_t5: Compose, t5_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolve(with_t5()).settings.model.name == "t5"
    assert resolve(with_t5("model.name=mine")).settings.model.name == "mine"
    monkeypatch.chdir(t5_folder)
    assert resolve(with_t5("model.path=.")).settings.model.name == "t5"


def test_paths_hold_from_every_directory(
    with_t5: Compose, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    monkeypatch.chdir(tmp_path)
    found = resolve(with_t5("data=files", "data.train=rows.jsonl")).settings
    assert found.data.train == str(tmp_path / "rows.jsonl")


def test_steps_and_epochs_exclude_each_other(with_t5: Compose) -> None:
    by_steps = resolve(with_t5("training.max_steps=7")).settings
    assert by_steps.training.num_train_epochs is None
    assert steps_of(by_steps, 1000) == 7
    by_epochs = resolve(with_t5("training.num_train_epochs=2", "training.batch_size=8")).settings
    assert by_epochs.training.max_steps is None
    assert steps_of(by_epochs, 100) == 26
    by_epochs.training.gradient_accumulation_steps = 4
    assert steps_of(by_epochs, 100) == 8


def test_debug_shortens_everything(with_t5: Compose) -> None:
    words = ("debug=true", "data.limit.train=1000", "data.limit.test=3", "training.warmup_steps=50",
             "training.num_train_epochs=9")  # fmt: skip
    found = resolve(with_t5(*words))
    short = found.settings
    assert dataclasses.astuple(short.data.limit) == (32, 8, 3)
    assert short.training.max_steps == 4
    assert short.training.num_train_epochs is None
    assert short.training.warmup_steps == 1
    assert short.decoding.max_new_tokens == 16
    assert found.origins["training.max_steps"] == "debug=true"
    assert resolve(with_t5("debug=true", "training.max_steps=2")).settings.training.max_steps == 2


@pytest.mark.parametrize(("words", "warned"), [
    (["method=prompt", "training.learning_rate=1e-4"], "0.0001 is far outside what prompt needs"),
    (["method=lora", "training.learning_rate=0.3"], "0.3 is far outside what lora needs"),
    (["method=prompt", "training.learning_rate=0.3"], None),
    (["method=zero_shot"], None),
])  # fmt: skip
def test_a_learning_rate_far_off_is_warned_of(
    with_t5: Compose, words: list[str], warned: str | None
) -> None:
    warnings = [one for one in resolve(with_t5(*words)).warnings if "learning_rate" in one]
    assert len(warnings) == (warned is not None)
    assert warned is None or warned in warnings[0]


def test_problems_of_model_and_settings_come_together(settings: Compose) -> None:
    with pytest.raises(RequestError) as refused:
        resolve(settings("model.path=no/such/folder", "training.optim=x", "task.headline=x"))
    assert [p.where for p in refused.value.problems] == [
        "model.path", "training.optim", "task.headline"]  # fmt: skip


@pytest.mark.parametrize(("words", "room"), [
    (["method=lora", "decoding.max_new_tokens=248"], True),
    (["method=lora", "decoding.max_new_tokens=249"], False),
    (["method.num_virtual_tokens=184", "decoding.max_new_tokens=64"], True),
    (["method.num_virtual_tokens=185", "decoding.max_new_tokens=64"], False),
])  # fmt: skip
def test_eight_tokens_of_text_must_fit(with_llama: Compose, words: list[str], room: bool) -> None:
    if room:
        resolve(with_llama(*words))
        return
    with pytest.raises(RequestError, match="leave no room for text"):
        resolve(with_llama(*words))


def test_a_model_without_a_limit_has_room(with_t5: Compose) -> None:
    resolve(with_t5("method.num_virtual_tokens=2000", "decoding.max_new_tokens=2000"))


@pytest.mark.parametrize(
    ("folder", "name"),
    [("my model (new)", "my-model-new"), ("v1.5+x_y", "v1.5+x_y"), ("...", "custom"),
     ("a" * 200, "a" * 100)],
)  # fmt: skip
def test_a_model_is_named_after_its_folder(folder, name, settings):
    found, _ = filled(settings("model=custom", f'model.path="{folder}"'), None, folder)
    assert found.model.name == name
