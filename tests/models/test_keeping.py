"""A base model kept between runs: loaded once, bare for each run, never used with other weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from recipes import compose
from tunebook.models import base as loading
from tunebook.models import keeping
from tunebook.pipeline import steps

FOLDERS = pytest.mark.parametrize("family", ["t5", "llama"])


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every model that is loaded."""
    models: list[Any] = []
    original = loading.load

    def load(*arguments: Any) -> Any:
        base = original(*arguments)
        models.append(base.model)
        return base

    monkeypatch.setattr(loading, "load", load)
    return models


@pytest.fixture
def bases(
    tiny_models: dict[str, Path], task_files: Callable[[str], list[str]]
) -> Callable[..., Any]:
    """The base that a run with these words gets."""

    def base_of(family: str, *words: str) -> Any:
        settings = compose(*task_files("summarize"), f"model.path={tiny_models[family]}", *words)
        return steps.untried_base(steps.plan(settings, lambda _: None))

    return base_of


def test_nothing_is_kept_unasked(bases: Callable[..., Any], loaded: list[Any]) -> None:
    with keeping.one_base():
        bases("t5")
    assert bases("t5").model is loaded[1]
    bases("t5")
    assert len(loaded) == 3


@FOLDERS
def test_each_run_gets_modules_of_its_own_around_the_same_weights(
    family: str, bases: Callable[..., Any], loaded: list[Any]
) -> None:
    with keeping.one_base():
        one, other = bases(family), bases(family)
    assert len(loaded) == 1
    assert not set(map(id, one.model.modules())) & set(map(id, other.model.modules()))
    assert list(map(id, one.model.parameters())) == list(map(id, other.model.parameters()))
    assert not any(parameter.requires_grad for parameter in other.model.parameters())
    assert not any(module.training for module in other.model.modules())


@FOLDERS
def test_the_output_layer_is_narrowed_once(family: str, bases: Callable[..., Any]) -> None:
    with keeping.one_base():
        some = [bases(family).model for _ in range(3)]
    for model in some:
        assert model.forward.__wrapped__.__self__ is model
        ids = torch.arange(2, 8)[None]
        inputs = (
            {"input_ids": ids, "decoder_input_ids": ids} if family == "t5" else {"input_ids": ids}
        )
        wanted = ids % 2 == 0
        some_of = model(**inputs, wanted=wanted).logits
        assert torch.allclose(some_of, model(**inputs).logits[wanted], atol=1e-5)


@FOLDERS
def test_tied_weights_stay_tied(family: str, bases: Callable[..., Any]) -> None:
    alone = bases(family).model
    with keeping.one_base():
        kept = bases(family).model
    assert len(list(kept.parameters())) == len(list(alone.parameters()))
    assert kept.state_dict().keys() == alone.state_dict().keys()


def test_a_method_that_trains_the_base_uses_the_kept_one_up(
    bases: Callable[..., Any], loaded: list[Any]
) -> None:
    with keeping.one_base():
        bases("t5")
        assert bases("t5", "method=full").model is loaded[0]
        bases("t5")
        assert len(loaded) == 2
        bases("t5")
        assert len(loaded) == 2


def test_changed_weights_are_loaded_again(bases: Callable[..., Any], loaded: list[Any]) -> None:
    with keeping.one_base():
        before = [one.clone() for one in bases("llama").model.parameters()]
        first = next(bases("llama").model.parameters())
        first.data[0, 0] += 1e-3  # past autograd's own count of changes
        after = list(bases("llama").model.parameters())
    assert len(loaded) == 2
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


@pytest.mark.parametrize("other", [["model.dtype=bfloat16"], ["model.attention=eager"]])
def test_another_base_takes_the_place_of_the_kept_one(
    other: list[str], bases: Callable[..., Any], loaded: list[Any]
) -> None:
    with keeping.one_base():
        bases("t5", "model.dtype=float32")
        changed = bases("t5", *other)
        bases("t5", *other)
        assert len(loaded) == 2
        assert changed.model.dtype == (torch.bfloat16 if "dtype" in other[0] else torch.float32)
        bases("t5", "model.dtype=float32")
    assert len(loaded) == 3


def test_what_a_run_needs_of_its_base_is_not_left_to_the_next(bases: Callable[..., Any]) -> None:
    with keeping.one_base():
        assert bases("llama", "model.gradient_checkpointing=true").model.is_activation_checkpointing
        assert not bases("llama").model.is_activation_checkpointing
