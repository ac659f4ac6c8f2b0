"""Rows of token ids as tensors: padding, masks and positions, written once for everything.

In training rows are padded on the right. To be answered, rows of a decoder-only model are padded on
the left, so that all end in one column. Positions are counted from the mask: padding has none.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

IGNORED = -100
"""The label of a position that carries no loss."""

Ids = Sequence[Sequence[int]]
Tensors = dict[str, torch.Tensor]


def padded(rows: Ids, filler: int, *, left: bool = False) -> torch.Tensor:
    """Rows of ids as int64 (rows, longest), the shorter ones filled up on one side."""
    longest = max(map(len, rows))
    result = torch.full((len(rows), longest), filler, dtype=torch.long)
    for i, row in enumerate(rows):
        start = longest - len(row) if left else 0
        result[i, start : start + len(row)] = torch.tensor(row, dtype=torch.long)
    return result


def texts(rows: Ids, pad: int, *, left: bool = False) -> Tensors:
    """input_ids and attention_mask, int64 (rows, longest)."""
    mask = padded([[1] * len(row) for row in rows], 0, left=left)
    return {"input_ids": padded(rows, pad, left=left), "attention_mask": mask}


def training_batch(sources: Ids, targets: Ids, pad: int, start: int | None) -> Tensors:
    """input_ids, attention_mask, labels and wanted, (rows, length).

    A decoder-only model, for which `start` is None, reads a target behind its source. Another one's
    labels have a length of their own, and so has what its decoder reads: `start`, then the target
    less its last token. Labels are IGNORED where no loss is taken; `wanted`, bool, marks the
    positions whose logits predict a label, each row in the order of its labels.
    """
    pairs = list(zip(sources, targets, strict=True))
    if start is None:
        labels = padded(
            [[IGNORED] * len(source) + list(target) for source, target in pairs], IGNORED
        )
        batch = texts([[*source, *target] for source, target in pairs], pad)
    else:
        labels = padded(targets, IGNORED)
        batch = texts(sources, pad)
        batch["decoder_input_ids"] = padded([[start, *target[:-1]] for target in targets], pad)
    wanted = predicts_labels(labels, decoder_only=start is None)
    return {**batch, "labels": labels, "wanted": wanted}


def predicts_labels(labels: torch.Tensor, *, decoder_only: bool) -> torch.Tensor:
    """Which positions predict a label: bool (rows, length).

    A decoder-only model predicts at each position the token behind it.
    """
    wanted = labels != IGNORED
    if not decoder_only:
        return wanted
    return torch.cat([wanted[:, 1:], wanted.new_zeros(len(wanted), 1)], dim=1)


def positions(mask: torch.Tensor) -> torch.Tensor:
    """Positions of the text, from 0 in each row: int64 (rows, length)."""
    return (mask.cumsum(-1) - 1).clamp(min=0)


def pads_on_the_right(mask: torch.Tensor) -> bool:
    """Whether no row of `mask` (rows, length) has text behind padding."""
    return bool((mask[:, 1:] <= mask[:, :-1]).all())


def behind(virtual: int, mask: torch.Tensor) -> torch.Tensor:
    """`mask` (rows, length) with `virtual` ones in front of each row."""
    return torch.cat([mask.new_ones(len(mask), virtual), mask], dim=1)


def by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices in batches of similar length, the longest first."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + size] for i in range(0, len(order), size)]
