"""Rows of different lengths as one rectangle."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def padded(rows: Sequence[Sequence[int]], filler: int, *, left: bool = False) -> torch.Tensor:
    """Rows of ids as int64 (rows, longest), the shorter ones filled up on one side."""
    longest = max(map(len, rows))
    result = torch.full((len(rows), longest), filler, dtype=torch.long)
    for i, row in enumerate(rows):
        start = longest - len(row) if left else 0
        result[i, start : start + len(row)] = torch.tensor(row, dtype=torch.long)
    return result
