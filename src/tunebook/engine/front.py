"""Attention behind a front: keys and values that all rows of a batch share, and none of them holds.

A row's queries attend to the front and to the row's own text apart, and the two results are merged
by their log-sum-exp (Dao et al. 2022, arXiv 2205.14135, section 3.1; Ye et al. 2024, Cascade
Inference). The front is never copied for the rows: the queries of all rows go through it as one
long row, which is one product of matrices where there were as many as rows.

Keys and values are (rows, heads, length, width of a head), with 1 row for the front.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "tunebook_front"
"""The attention of a model that can read a front; without one it is transformers' own sdpa."""

Pair = tuple[torch.Tensor, torch.Tensor]
Front = Sequence[Pair]
"""Keys and values by layer."""

FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
NOT_SPLIT = ("softcap", "s_aux", "position_bias")
"""What an attention may be asked for that two parts cannot do."""


def attention(
    module: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor,
    attention_mask: torch.Tensor | None, front: Front | None = None, **more: Any,
) -> tuple[torch.Tensor, None]:  # fmt: skip
    """What transformers asks of an attention; `attention_mask` is of the rows' own text alone.

    `front` comes as a keyword of the model's forward.
    """
    if front is None:
        return sdpa_attention_forward(module, query, key, value, attention_mask, **more)
    keys, values = front[module.layer_idx]
    if not _can_split(query, value, more):
        mask = _with_front(attention_mask, query, key, keys.shape[2])
        key, value = (_joined(*pair) for pair in ((keys, key), (values, value)))
        return sdpa_attention_forward(module, query, key, value, mask, **more)
    out = split_attention(query, keys, values, key, value, attention_mask, more.get("scaling"))
    return out.transpose(1, 2), None


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)


def _can_split(query: torch.Tensor, value: torch.Tensor, more: dict[str, Any]) -> bool:
    """The two parts need a kernel that tells its log-sum-exp; here that of the CPU."""
    return (
        query.device.type == "cpu"
        and query.shape[-1] == value.shape[-1]
        and not more.get("dropout")
        and all(more.get(name) is None for name in NOT_SPLIT)
    )


def _joined(front: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    return torch.cat([front.expand(len(own), -1, -1, -1), own], dim=2)


def _with_front(
    mask: torch.Tensor | None, query: torch.Tensor, key: torch.Tensor, virtual: int
) -> torch.Tensor:
    """The whole mask, bool (rows, 1, queries, virtual + keys)."""
    if mask is None:
        queries, keys = query.shape[2], key.shape[2]
        mask = torch.ones(1, 1, queries, keys, dtype=torch.bool, device=query.device)
        mask = mask.tril(keys - queries)
    seen = mask.new_ones(*mask.shape[:-1], virtual)
    return torch.cat([seen, mask], dim=-1)


def split_attention(
    query: torch.Tensor, front_keys: torch.Tensor, front_values: torch.Tensor,
    keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float | None,
) -> torch.Tensor:  # fmt: skip
    """Attention to the front and to the own keys, (rows, heads, queries, width of a head).

    `mask` is bool (rows, 1, queries, own keys); where it is None each query sees the own keys up to
    itself. Keys may have fewer heads than queries (grouped queries, Ainslie et al. 2023).
    """
    groups = query.shape[1] // keys.shape[1]
    front = (repeat_kv(front_keys, groups), repeat_kv(front_values, groups))
    added = None if mask is None else _added(mask, query.dtype)
    result: torch.Tensor = _Split.apply(query, *front, keys, values, added, scale)
    return result


def _added(mask: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The mask as a summand. Not of infinity: a query without own keys would have no log-sum-exp,
    where now it has one that loses against any front."""
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(
        ~mask, torch.finfo(dtype).min / 2
    )


class _Split(torch.autograd.Function):
    """Keeps for the backward pass what one attention keeps, and recomputes the rest as it does."""

    @staticmethod
    def forward(
        ctx: Any, query: torch.Tensor, front_keys: torch.Tensor, front_values: torch.Tensor,
        keys: torch.Tensor, values: torch.Tensor, mask: torch.Tensor | None, scale: float | None,
    ) -> torch.Tensor:  # fmt: skip
        seen, seen_sum = FLASH(_one_row(query), front_keys, front_values, scale=scale)
        own, own_sum = FLASH(
            *_grouped(query, keys, values), is_causal=_is_causal(query, mask), attn_mask=mask,
            scale=scale,
        )  # fmt: skip
        own, own_sum = own.view(query.shape), own_sum.reshape(query.shape[:-1])
        seen_sum = _rows(seen_sum, query)
        total = torch.logaddexp(seen_sum, own_sum)
        weight = (seen_sum - total).exp_()[..., None].to(query.dtype)
        out = own.lerp_(_rows(seen, query), weight)
        ctx.save_for_backward(query, front_keys, front_values, keys, values, mask, out, total)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        query, front_keys, front_values, keys, values, mask, out, total = ctx.saved_tensors
        of_front = FLASH_BACKWARD(
            _one_row(grad), _one_row(query), front_keys, front_values, _one_row(out),
            _one_row(total), 0.0, False, scale=ctx.scale,
        )  # fmt: skip
        groups = query.shape[1] // keys.shape[1]
        of_own = FLASH_BACKWARD(
            grad, query, repeat_kv(keys, groups), repeat_kv(values, groups), out, total, 0.0,
            _is_causal(query, mask), attn_mask=mask, scale=ctx.scale,
        )  # fmt: skip
        own_query, *own_pair = of_own
        own_keys, own_values = (_summed(one, groups) for one in own_pair)
        of_query = own_query.add_(_rows(of_front[0], query))
        return of_query, of_front[1], of_front[2], own_keys, own_values, None, None


def _is_causal(query: torch.Tensor, mask: torch.Tensor | None) -> bool:
    return mask is None and query.shape[2] > 1


def _grouped(
    query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As many heads of keys as of queries; a single query's groups stand in a row instead."""
    rows, heads, queries, width = query.shape
    groups = heads // keys.shape[1]
    if queries == 1:
        return query.reshape(rows, keys.shape[1], groups, width), keys, values
    return query, repeat_kv(keys, groups), repeat_kv(values, groups)


def _summed(grad: torch.Tensor, groups: int) -> torch.Tensor:
    return grad if groups == 1 else grad.unflatten(1, (-1, groups)).sum(dim=2)


def _one_row(tensor: torch.Tensor) -> torch.Tensor:
    """(rows, heads, length, …) as (1, heads, rows * length, …); no copy, as models lay them out."""
    return tensor.transpose(0, 1).flatten(1, 2)[None]


def _rows(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """The opposite of `_one_row`, for the rows of `like`."""
    return tensor[0].unflatten(1, (len(like), like.shape[2])).transpose(0, 1)
