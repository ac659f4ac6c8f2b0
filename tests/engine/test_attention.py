"""Attention in two parts equals one attention over both, value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from tunebook.engine.attention import split_attention

ROWS, KEY_HEADS, WIDTH = 4, 2, 16


def tensors(queries: int, keys: int, virtual: int, groups: int) -> list[torch.Tensor]:
    """Query, the prompt's keys and values, own keys and values, laid out as models do."""
    torch.manual_seed(0)
    shapes = [(ROWS, queries, KEY_HEADS * groups), *2 * [(1, virtual, KEY_HEADS)],
              *2 * [(ROWS, keys, KEY_HEADS)]]  # fmt: skip
    made = [torch.randn(*shape, WIDTH).transpose(1, 2) for shape in shapes]
    return [tensor.requires_grad_() for tensor in made]


def split(
    given: list[torch.Tensor], mask: torch.Tensor | None, scale: float | None
) -> torch.Tensor:
    query, prompt_keys, prompt_values, keys, values = given
    return split_attention(query, (prompt_keys, prompt_values), (keys, values), mask, scale)


def own_mask(queries: int, keys: int) -> torch.Tensor:
    """Each query sees the keys up to itself; row 1 is padded by 3 on the left."""
    mask = torch.ones(ROWS, 1, queries, keys, dtype=torch.bool).tril(keys - queries)
    mask[1, :, :, :3] = False
    return mask


def one_attention(
    query: torch.Tensor, prompt_keys: torch.Tensor, prompt_values: torch.Tensor,
    keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor, scale: float | None,
) -> torch.Tensor:  # fmt: skip
    """In double precision, over prompt and text at once."""
    groups = query.shape[1] // keys.shape[1]
    joined = (
        torch.cat([one.expand(ROWS, -1, -1, -1), other], dim=2).repeat_interleave(groups, dim=1)
        for one, other in ((prompt_keys, keys), (prompt_values, values))
    )
    seen = mask.new_ones(*mask.shape[:-1], prompt_keys.shape[2])
    whole = torch.cat([seen, mask], dim=-1)
    return scaled_dot_product_attention(query, *joined, attn_mask=whole, scale=scale)


@pytest.mark.parametrize("scale", [None, 0.7])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize(
    ("queries", "keys", "virtual"), [(1, 1, 1), (1, 9, 5), (7, 7, 1), (7, 7, 100), (64, 64, 20)]
)
def test_two_parts_are_one_attention(
    queries: int, keys: int, virtual: int, groups: int, masked: bool, scale: float | None
) -> None:
    given = tensors(queries, keys, virtual, groups)
    exact = [one.detach().double().requires_grad_() for one in given]
    mask = own_mask(queries, keys) if masked else None
    found = split(given, mask, scale)
    seen = torch.ones(ROWS, 1, queries, keys, dtype=torch.bool).tril(keys - queries)
    wanted = one_attention(*exact, seen if mask is None else mask, scale)
    assert torch.allclose(found.double(), wanted, atol=1e-5)
    direction = torch.randn(found.shape)
    (found * direction).sum().backward()
    (wanted * direction).sum().backward()
    for ours, true in zip(given, exact, strict=True):
        assert ours.grad is not None
        assert true.grad is not None
        assert torch.allclose(ours.grad.double(), true.grad, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near(dtype: torch.dtype) -> None:
    given = tensors(7, 7, 20, 1)
    half = [one.detach().to(dtype) for one in given]
    mask = own_mask(7, 7)
    found = split(half, mask, None)
    assert found.dtype == dtype
    wanted = one_attention(*(one.float() for one in half), mask, None)
    assert torch.allclose(found.float(), wanted, atol=0.02)
