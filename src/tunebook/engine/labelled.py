"""The output layer runs only where there is a label.

Most positions of a batch carry no loss: source text, virtual tokens, padding. With a vocabulary of
150,000 words their logits are most of a step's memory and much of its time.
"""

from __future__ import annotations

import functools
from typing import Any

import torch

from tunebook.engine.plain import left_out
from tunebook.engine.probe import LENGTHS, evaluating, logits_of, near, texts_to_try


def select_where_wanted(base: Any) -> None:
    """Let `base(..., wanted=mask)` return logits (positions wanted, vocabulary), in row order.

    The selection happens inside `forward`, so that it holds under DistributedDataParallel and
    below PEFT, which passes `wanted` on; without it nothing changes. Where a model does more with
    its output layer than to read one vector a position, it happens behind all of it.
    """
    forward, early = base.forward, _selected_early(base)
    late = _selected_late(forward)
    with evaluating(base):
        may = not left_out("labelled") and _are_the_same(base, early, late)
        base.forward = early if may else late


def _selected_early(base: Any) -> Any:
    """The layer is looked up at each call: a method may have put its own in its place."""
    forward = base.forward

    @functools.wraps(forward)
    def forward_where_wanted(*inputs: Any, wanted: Any = None, **more: Any) -> Any:
        layer = base.get_output_embeddings()
        hook = layer.register_forward_pre_hook(lambda _, inputs: _select(inputs, wanted))
        try:
            return forward(*inputs, **more)
        finally:
            hook.remove()

    return forward_where_wanted


def _selected_late(forward: Any) -> Any:
    @functools.wraps(forward)
    def forward_where_wanted(*inputs: Any, wanted: Any = None, **more: Any) -> Any:
        outputs = forward(*inputs, **more)
        if wanted is not None:
            outputs.logits = outputs.logits[:, -wanted.shape[1] :][wanted]
        return outputs

    return forward_where_wanted


def _are_the_same(base: Any, early: Any, late: Any) -> bool:
    texts = texts_to_try(base, LENGTHS[0])
    targets = [text[:2] for text in texts]
    wanted = logits_of(base, texts, targets, late)
    try:
        return near(logits_of(base, texts, targets, early), wanted)
    except (RuntimeError, IndexError, ValueError):
        return False


def _select(inputs: tuple[Any, ...], wanted: torch.Tensor | None) -> tuple[Any, ...]:
    hidden, *others = inputs
    if wanted is None:  # a slice of positions would be multiplied row by row
        return (hidden.contiguous(), *others)
    return (hidden[:, -wanted.shape[1] :][wanted], *others)
