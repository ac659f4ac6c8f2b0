"""Gradients of K prompts in one joint forward are those of K separate ones, and so are losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from tests.mixing.mixing_models import prefix, soft_prompts, sources
from tunebook.engine.mixed.joint import JointPrompts
from tunebook.engine.shared import share
from tunebook.models.base import Base
from tunebook.training import Batches, TokenLoss

ROWS = 18


def encoded(base: Base, prompts: int) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows with targets of 1 to 5 tokens."""
    ids, which = sources(base, ROWS, prompts)
    targets = [ids[(i * 5 + 1) % ROWS][: 1 + i % 5] for i in range(ROWS)]
    return [{"source": s, "target": t} for s, t in zip(ids, targets, strict=True)], which


def weight(prompt: Any) -> torch.Tensor:
    return prompt.prompt_encoder["default"].embedding.weight


def alone(base: Base, prompt: Any, rows: list[dict[str, Any]]) -> tuple[torch.Tensor, torch.Tensor]:
    """(loss, gradient) of a prompt's own batch, as training computes them."""
    batch = Batches(base)(rows)
    labels = batch.pop("labels")
    loss = TokenLoss(base.facts.family == "decoder-only")(prompt(**batch), labels)
    weight(prompt).grad = None
    loss.backward()
    gradient = weight(prompt).grad
    assert gradient is not None
    return loss.detach(), gradient.clone()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal within 1e-6 of the norm."""
    return bool((ours - theirs).norm() <= 1e-6 * theirs.norm()) and bool(theirs.norm() > 0)


def compare(base: Base, prompts: list[Any]) -> None:
    """In double precision: in float32 these models lose up to 3e-5 of a gradient either way."""
    modules = [base.model, *prompts]
    for module in modules:
        module.double()
    try:
        compare_as_they_are(base, prompts)
    finally:
        for module in modules:
            module.float()


def compare_as_they_are(base: Base, prompts: list[Any]) -> None:
    rows, which = encoded(base, len(prompts))
    own = [
        alone(base, prompt, [row for row, one in zip(rows, which, strict=True) if one == number])
        for number, prompt in enumerate(prompts)
    ]
    for prompt in prompts:
        weight(prompt).grad = None
    losses = JointPrompts(base, prompts)(which, Batches(base)(rows))
    losses.sum().backward()
    for prompt, loss, (own_loss, own_gradient) in zip(prompts, losses.detach(), own, strict=True):
        gradient = weight(prompt).grad
        assert gradient is not None
        assert close(loss, own_loss)
        assert close(gradient, own_gradient)


@pytest.mark.parametrize("name", ["llama", "gpt2", "t5", "bart"])
def test_joint_gradients_equal_separate_ones(base_of: Callable[[str], Base], name: str) -> None:
    base = base_of(name)
    prompts = soft_prompts(base)
    for prompt in prompts:
        share(prompt)
    compare(base, prompts)


def test_prefixes_and_prompts_train_together(base_of: Callable[[str], Base]) -> None:
    base = base_of("llama")
    prompts = [*soft_prompts(base, (3, 7)), prefix(base, 5)]
    for prompt in prompts[:2]:
        share(prompt)
    compare(base, prompts)


def test_where_prompts_cannot_be_caches(base_of: Callable[[str], Base]) -> None:
    """Gemma 2: vectors in front of each row, and the positions of labels move along."""
    base = base_of("gemma2")
    compare(base, soft_prompts(base))


@pytest.mark.parametrize("name", ["llama", "t5"])
def test_rows_of_the_plain_base_and_prompts_without_rows(
    base_of: Callable[[str], Base], name: str
) -> None:
    base = base_of(name)
    prompts = [*soft_prompts(base, (3, 7)), base.model]
    rows, _ = encoded(base, 1)
    joint = JointPrompts(base, prompts)
    losses = joint([2] * 9 + [0] * 9, Batches(base)(rows))
    assert losses[1] == 0
    batch = Batches(base)(rows[:9])
    labels = batch.pop("labels")
    loss = TokenLoss(base.facts.family == "decoder-only")(base.model(**batch), labels)
    assert close(losses[2].detach(), loss)
    losses.sum().backward()
    assert weight(prompts[0]).grad.norm() > 0
    assert weight(prompts[1]).grad is None or weight(prompts[1]).grad.norm() == 0
