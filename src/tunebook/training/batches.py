"""Examples of different lengths as one padded batch, with loss on target tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from tunebook.engine.apart import start_token
from tunebook.engine.labelled import predicts_labels
from tunebook.engine.padding import padded
from tunebook.models.base import Base

IGNORED = -100


@dataclass
class Batches:
    """Pads on the right. An encoder-decoder model also gets its decoder's input.

    A batch holds input_ids, attention_mask and labels, int64 (batch, length); labels are -100
    wherever no loss is taken. For a decoder-only model source and target stand in one row; for an
    encoder-decoder model labels and decoder_input_ids have a length of their own. `wanted` marks
    the positions whose logits predict a label.
    """

    base: Base

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """One batch from encoded rows with `source` and `target`."""
        decoder_only = self.base.facts.family == "decoder-only"
        batch = self._one_row(rows) if decoder_only else self._two_rows(rows)
        batch["wanted"] = predicts_labels(batch["labels"], IGNORED, decoder_only=decoder_only)
        return batch

    def _two_rows(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = self._inputs([row["source"] for row in rows])
        batch["labels"] = padded([row["target"] for row in rows], IGNORED)
        batch["decoder_input_ids"] = self._read_by_decoder([row["target"] for row in rows])
        return batch

    def _read_by_decoder(self, targets: list[Sequence[int]]) -> torch.Tensor:
        """What decoding starts with, then each target less its last token."""
        start = self.base.special.start if self.base.special else None
        if start is None:
            start = start_token(self.base.model.config)
        return padded([[start, *target[:-1]] for target in targets], self.pad)

    @property
    def pad(self) -> int:
        """The id that fills rows up; it is never read."""
        return self.base.tokenizer.pad_token_id

    def _one_row(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        batch = self._inputs([[*row["source"], *row["target"]] for row in rows])
        labels = [[IGNORED] * len(row["source"]) + list(row["target"]) for row in rows]
        return {**batch, "labels": padded(labels, IGNORED)}

    def _inputs(self, ids: list[Sequence[int]]) -> dict[str, torch.Tensor]:
        mask = padded([[1] * len(one) for one in ids], 0)
        return {"input_ids": padded(ids, self.pad), "attention_mask": mask}
