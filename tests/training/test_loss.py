"""The loss of tokens and its gradient are those of torch's cross_entropy in double precision."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from tunebook.training.loss import TOKENS, token_losses

WORDS = 301


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-6), (torch.float64, 1e-12), (torch.bfloat16, 1e-2)]
)
def test_value_and_gradient(dtype: torch.dtype, near: float, smoothing: float) -> None:
    torch.manual_seed(0)
    tokens = 2 * TOKENS + 5
    logits = (torch.randn(tokens, WORDS) * 10).to(dtype)
    labels, weights = torch.randint(WORDS, (tokens,)), torch.rand(tokens)
    ours, true = logits.clone().requires_grad_(), logits.double().requires_grad_()
    found = token_losses(ours, labels, smoothing)
    wanted = cross_entropy(true, labels, reduction="none", label_smoothing=smoothing)
    assert found.dtype == torch.promote_types(dtype, torch.float32)
    assert torch.allclose(found.double(), wanted, rtol=1e-6)
    (found * weights).sum().backward()
    (wanted * weights).sum().backward()
    assert ours.grad is not None
    assert true.grad is not None
    assert (ours.grad.double() - true.grad).norm() <= near * true.grad.norm()


def test_no_labels_and_no_gradient() -> None:
    none = token_losses(torch.zeros(0, WORDS, requires_grad=True), torch.zeros(0).long())
    assert none.sum().item() == 0
    with torch.no_grad():
        assert token_losses(torch.zeros(1, WORDS), torch.tensor([3])).item() == pytest.approx(
            torch.tensor(float(WORDS)).log().item()
        )
