"""Attention to a prompt whose keys and values all rows of a batch share, and none of them holds.

A row's queries attend to the prompt and to the row's own text apart, and the two results are merged
by their log-sum-exp (Dao et al. 2022, arXiv 2205.14135, section 3.1; Ye et al. 2024, Cascade
Inference). The prompt is never copied for the rows: the queries of all rows go through it as one
long row, which is one product of matrices where there were as many as rows.

Keys and values are (rows, heads, length, width of a head), with 1 row for the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

NAME = "tunebook_shared_prompt"
"""The attention of a model that can read a prompt; without one it is transformers' own sdpa."""

Pair = tuple[Tensor, Tensor]
Layers = Sequence[Pair]
"""Keys and values by layer."""

FLASH = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
FLASH_BACKWARD = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward
NOT_SPLIT = ("softcap", "s_aux", "position_bias")
"""What an attention may be asked for that two parts cannot do."""


def attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    shared_prompt: Layers | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """What transformers asks of an attention; `attention_mask` is of the rows' own text alone.

    `shared_prompt`, keys and values by layer, comes as a keyword of the model's forward.
    """
    mask = attention_mask
    if shared_prompt is not None:
        prompt = shared_prompt[module.layer_idx]
        if _can_split(query, value, more):
            out = split_attention(query, prompt, (key, value), mask, more.get("scaling"))
            return out.transpose(1, 2), None
        mask = _whole_mask(mask, query, key, prompt[0].shape[2])
        key, value = _joined(prompt[0], key), _joined(prompt[1], value)
    return sdpa_attention_forward(module, query, key, value, mask, **more)


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)


def _can_split(query: Tensor, value: Tensor, more: dict[str, Any]) -> bool:
    """The two parts need a kernel that tells its log-sum-exp; here that of the CPU."""
    return (
        query.device.type == "cpu"
        and query.shape[-1] == value.shape[-1]
        and not more.get("dropout")
        and all(more.get(name) is None for name in NOT_SPLIT)
    )


def _joined(prompt: Tensor, own: Tensor) -> Tensor:
    return torch.cat([prompt.expand(len(own), -1, -1, -1), own], dim=2)


def _whole_mask(mask: Tensor | None, query: Tensor, key: Tensor, virtual: int) -> Tensor:
    """Over prompt and text, bool (rows, 1, queries, virtual + keys)."""
    if mask is None:
        queries, keys = query.shape[2], key.shape[2]
        mask = query.new_ones(1, 1, queries, keys, dtype=torch.bool).tril(keys - queries)
    return torch.cat([mask.new_ones(*mask.shape[:-1], virtual), mask], dim=-1)


def split_attention(
    query: Tensor, prompt: Pair, own: Pair, mask: Tensor | None, scale: float | None
) -> Tensor:
    """Attention to the prompt and to the own keys, (rows, heads, queries, width of a head).

    `mask` is bool (rows, 1, queries, own keys); where it is None each query sees the own keys up to
    itself. Keys may have fewer heads than queries (grouped queries, Ainslie et al. 2023).
    """
    groups = query.shape[1] // own[0].shape[1]
    prompt_keys, prompt_values = (repeat_kv(one, groups) for one in prompt)
    added = None if mask is None else _added(mask, query.dtype)
    result: Tensor = _Split.apply(scale, query, prompt_keys, prompt_values, *own, added)
    return result


def _added(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """The mask as a summand. Not of infinity: a query without own keys would have no log-sum-exp,
    where now it has one that loses against any prompt."""
    lowest = torch.finfo(dtype).min / 2
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill_(~mask, lowest)


class _Split(torch.autograd.Function):
    """Keeps for the backward pass what one attention keeps, and recomputes the rest as it does."""

    @staticmethod
    def forward(ctx: Any, scale: float | None, query: Tensor, *others: Any) -> Tensor:
        prompt_keys, prompt_values, keys, values, mask = others
        seen, seen_sum = FLASH(_one_row(query), prompt_keys, prompt_values, scale=scale)
        given = {"is_causal": _is_causal(query, mask), "attn_mask": mask, "scale": scale}
        own, own_sum = FLASH(*_grouped(query, keys, values), **given)
        own, own_sum = own.view(query.shape), own_sum.reshape(query.shape[:-1])
        seen_sum = _rows(seen_sum, query)
        total = torch.logaddexp(seen_sum, own_sum)
        weight = (seen_sum - total).exp_()[..., None].to(query.dtype)
        out = own.lerp_(_rows(seen, query), weight)
        ctx.save_for_backward(query, *others, out, total)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        query, prompt_keys, prompt_values, keys, values, mask, out, total = ctx.saved_tensors
        grad_row, query_row, out_row, total_row = map(_one_row, (grad, query, out, total))
        of_prompt = FLASH_BACKWARD(
            grad_row, query_row, prompt_keys, prompt_values, out_row, total_row, 0.0, False,
            scale=ctx.scale,
        )  # fmt: skip
        groups = query.shape[1] // keys.shape[1]
        own = (query, repeat_kv(keys, groups), repeat_kv(values, groups), out, total)
        of_query, *of_own = FLASH_BACKWARD(
            grad, *own, 0.0, _is_causal(query, mask), attn_mask=mask, scale=ctx.scale
        )
        of_query.add_(_rows(of_prompt[0], query))
        of_keys, of_values = (_summed(one, groups) for one in of_own)
        return None, of_query, of_prompt[1], of_prompt[2], of_keys, of_values, None


def _is_causal(query: Tensor, mask: Tensor | None) -> bool:
    return mask is None and query.shape[2] > 1


def _grouped(query: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As many heads of keys as of queries; a single query's groups stand in a row instead."""
    rows, heads, queries, width = query.shape
    groups = heads // keys.shape[1]
    if queries == 1:
        return query.reshape(rows, keys.shape[1], groups, width), keys, values
    return query, repeat_kv(keys, groups), repeat_kv(values, groups)


def _summed(grad: Tensor, groups: int) -> Tensor:
    return grad if groups == 1 else grad.unflatten(1, (-1, groups)).sum(dim=2)


def _one_row(tensor: Tensor) -> Tensor:
    """(rows, heads, length, …) as (1, heads, rows * length, …); no copy, as models lay them out."""
    return tensor.transpose(0, 1).flatten(1, 2)[None]


def _rows(tensor: Tensor, like: Tensor) -> Tensor:
    """The opposite of `_one_row`, for the rows of `like`."""
    return tensor[0].unflatten(1, (len(like), like.shape[2])).transpose(0, 1)
