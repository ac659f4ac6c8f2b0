"""Examples of different lengths as one padded batch, with loss on target tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tunebook.engine import start_token, training_batch
from tunebook.models.base import Base


@dataclass
class Collator:
    """Makes the batches that `base` is trained on: see tunebook.engine.training_batch."""

    base: Base

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """One batch from encoded rows with `source` and `target`."""
        sources, targets = ([row[name] for row in rows] for name in ("source", "target"))
        return training_batch(sources, targets, self.base.tokenizer.pad_token_id, self._start())

    def _start(self) -> int | None:
        """What the decoder of an encoder-decoder model begins with."""
        if self.base.facts.family == "decoder-only":
            return None
        start = self.base.special.start if self.base.special else None
        return start_token(self.base.model.config) if start is None else start
