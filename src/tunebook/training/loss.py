"""Cross-entropy on target tokens, for training and for whole splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from tunebook.engine import IGNORED, by_length, read_apart
from tunebook.training.collator import Collator

TokenLosses = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(logits (tokens, vocabulary), labels (tokens,)) -> the loss of each target token (tokens,)."""


@dataclass(frozen=True)
class TokenLoss:
    """The mean of `losses` over all target tokens of an update, accumulated batches included.

    `decoder_only` models predict the token after each position; virtual positions in front of the
    labels are passed over. losses: cross-entropy where not given.
    """

    decoder_only: bool
    smoothing: float = 0.0
    losses: TokenLosses | None = None

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
        losses = self.losses or partial(token_losses, smoothing=self.smoothing)
        return losses(logits, labels[wanted]).sum()


def token_losses(
    logits: torch.Tensor, labels: torch.Tensor, smoothing: float = 0.0
) -> torch.Tensor:
    """Cross-entropy of each token, float32 or better (tokens,), from logits (tokens, vocabulary).

    As torch's cross_entropy, in less memory and with a gradient nearer to the true one.
    """
    losses: torch.Tensor = _CrossEntropy.apply(logits, labels, smoothing)
    return losses


TOKENS = 64
"""Logits of so many tokens are made precise at once."""


class _CrossEntropy(torch.autograd.Function):
    """The gradient is made with the loss and is all that is kept.

    With p = softmax(x), V words, label y and smoothing s, the loss of a token is
    log(sum(exp(x))) - (1 - s) x_y - s mean(x), and its gradient p - (1 - s) [y] - s / V.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: torch.Tensor, labels: torch.Tensor, smoothing: float
    ) -> torch.Tensor:
        gradient = torch.empty_like(logits) if ctx.needs_input_grad[0] else None
        precise = torch.promote_types(logits.dtype, torch.float32)
        losses = logits.new_empty(len(logits), dtype=precise)
        for start in range(0, len(logits), TOKENS):
            some = slice(start, start + TOKENS)
            scores, right = logits[some].to(precise), labels[some, None]
            scores = scores - scores.amax(dim=1, keepdim=True)
            share = scores.exp()
            size = share.sum(dim=1, keepdim=True)
            reached = (1 - smoothing) * scores.gather(1, right)[:, 0]
            losses[some] = size.log()[:, 0] - reached - smoothing * scores.mean(dim=1)
            if gradient is not None:
                share.div_(size).sub_(smoothing / scores.shape[1])
                share.scatter_add_(1, right, share.new_full(right.shape, smoothing - 1))
                gradient[some] = share
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad[:, None].to(gradient.dtype), None, None


@torch.no_grad()
def mean_loss(model: Any, rows: Any, batches: Collator, batch_size: int) -> float:
    """Mean cross-entropy a target token over a whole split, without smoothing.

    Batches are made by length; the mean is over tokens, so the batch size does not change it.
    """
    if len(rows) == 0:
        return float("nan")
    read_apart(model, max(rows.lengths()))
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
