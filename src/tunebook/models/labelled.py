"""The output layer runs only where there is a label.

Most positions of a batch carry no loss: source text, virtual tokens, padding. With a vocabulary of
150,000 words their logits are most of a step's memory and much of its time.
"""

from __future__ import annotations

import functools
from typing import Any

import torch


def predicts_labels(labels: torch.Tensor, ignored: int, *, decoder_only: bool) -> torch.Tensor:
    """Which positions predict a label: bool (rows, length); each row in order of its labels.

    A decoder-only model predicts at each position the token behind it.
    """
    wanted = labels != ignored
    if not decoder_only:
        return wanted
    return torch.cat([wanted[:, 1:], wanted.new_zeros(len(wanted), 1)], dim=1)


def select_where_wanted(base: Any) -> None:
    """Let `base(..., wanted=mask)` return logits (positions wanted, vocabulary), in row order.

    The selection happens inside `forward`, so that it holds under DistributedDataParallel and
    below PEFT, which passes `wanted` on; without it nothing changes.
    """
    selection: dict[str, torch.Tensor | None] = {"wanted": None}
    base.get_output_embeddings().register_forward_pre_hook(
        lambda _, inputs: _select(inputs, selection["wanted"])
    )
    forward = base.forward

    @functools.wraps(forward)
    def forward_where_wanted(*inputs: Any, wanted: Any = None, **more: Any) -> Any:
        selection["wanted"] = wanted
        try:
            return forward(*inputs, **more)
        finally:
            selection["wanted"] = None

    base.forward = forward_where_wanted


def _select(inputs: tuple[Any, ...], wanted: torch.Tensor | None) -> tuple[Any, ...]:
    hidden, *others = inputs
    if wanted is None:  # a slice of positions would be multiplied row by row
        return (hidden.contiguous(), *others)
    return (hidden[:, -wanted.shape[1] :][wanted], *others)
