"""Cross-entropy on target tokens, for training and for whole splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from tunebook.training.batches import IGNORED, Batches


@dataclass(frozen=True)
class TokenLoss:
    """Mean cross-entropy over all target tokens of an update, accumulated batches included.

    `decoder_only` models predict the token after each position; virtual positions in front of the
    labels are passed over.
    """

    decoder_only: bool
    smoothing: float = 0.0

    def __call__(
        self, outputs: Any, labels: torch.Tensor, num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """The loss, a scalar; `num_items_in_batch` is the number of target tokens in the update."""
        total = self.sum(outputs, labels)
        count = (labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
        return total / count

    def sum(self, outputs: Any, labels: torch.Tensor) -> torch.Tensor:
        """The summed loss over the target tokens of one batch.

        Logits are (rows, length, vocabulary), or (labels, vocabulary) where they are selected.
        """
        logits = outputs.logits
        if self.decoder_only:
            labels = labels[:, 1:]
        wanted = labels != IGNORED
        if logits.dim() == 3:
            logits = logits[:, logits.shape[1] - labels.shape[1] - self.decoder_only :]
            logits = logits[:, : labels.shape[1]][wanted]
        return cross_entropy(
            logits.float(), labels[wanted], reduction="sum", label_smoothing=self.smoothing
        )


@torch.no_grad()
def mean_loss(model: Any, rows: Any, batches: Batches, batch_size: int) -> float:
    """Mean cross-entropy a target token over a whole split, without smoothing.

    Batches are made by length; the mean is over tokens, so the batch size does not change it.
    """
    if len(rows) == 0:
        return float("nan")
    was_training = model.training
    model.eval()
    loss = TokenLoss(batches.base.facts.family == "decoder-only")
    total, tokens = 0.0, 0
    for indices in by_length(rows.lengths(), batch_size):
        batch = {k: v.to(model.device) for k, v in batches([rows[i] for i in indices]).items()}
        labels = batch.pop("labels")
        total += loss.sum(model(**batch), labels).item()
        tokens += int((labels != IGNORED).sum())
    model.train(was_training)
    return total / tokens


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Indices in batches of similar length, the longest first."""
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    return [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
