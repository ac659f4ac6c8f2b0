"""A model is asked: a few short texts, and whether two ways to read them give the same logits.

What a model does with padding, vectors, caches or positions shows in its configuration only in
part, so each change of how it computes is tried once before it is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tunebook.engine.batches import Tensors, padded, texts, training_batch
from tunebook.system import is_full_memory

NEAR = {torch.float32: 1e-4, torch.float64: 1e-4}
"""How far two ways to compute the same logits may be apart, relative to their size; else 0.05."""
LENGTHS = (9, 9, 6, 3)
WINDOW = re.compile("window|chunk|radius|block_size")
MARKED = re.compile("token_id|token_index")
WORDS = 5000
REFUSALS = (TypeError, ValueError, AttributeError, RuntimeError, LookupError, AssertionError)
"""What model code raises where it cannot do what is asked of it."""

Ids = list[list[int]]


def near(found: torch.Tensor | None, wanted: torch.Tensor) -> bool:
    """Whether logits are the same but for rounding; where some are no numbers, nothing is told."""
    if found is None or found.shape != wanted.shape:
        return False
    if not wanted.isfinite().all():
        return True
    apart = (found - wanted).float().norm() / wanted.float().norm()
    return bool(apart <= NEAR.get(wanted.dtype, 0.05))


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """In evaluation mode and without gradients; then as before."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def texts_to_try(model: Any, longest: int) -> Ids:
    """Token ids of texts, the longest first and two of one length, none longer than `longest`.

    The first is longer than the widest window that a text of that length leaves.
    """
    reached = [window for window in _numbers(model.config.to_dict(), WINDOW) if window < longest]
    beyond = max(reached, default=0) + 3
    lengths = [beyond, *LENGTHS] if beyond > LENGTHS[0] else LENGTHS
    words = _ordinary_words(model)
    return [
        [words[(11 + 7 * place + 29 * row) % len(words)] for place in range(min(length, longest))]
        for row, length in enumerate(lengths)
    ]


def _ordinary_words(model: Any) -> list[int]:
    rows = min(len(model.get_input_embeddings().weight), WORDS)
    marked = set(_numbers(model.config.to_dict(), MARKED))
    return [word for word in range(rows) if word not in marked]


def _numbers(part: Any, named: re.Pattern[str], inside: bool = False) -> Iterator[int]:
    """The numbers below keys of a configuration that have such a name."""
    if isinstance(part, dict):
        for name, value in part.items():
            yield from _numbers(value, named, inside or bool(named.search(str(name))))
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _numbers(value, named, inside)
    elif inside and type(part) is int:
        yield part


def pass_on_full_memory(refusal: Exception) -> None:
    """Raise `refusal` anew where it is memory that runs out: nothing is wrong with the model."""
    if is_full_memory(str(refusal)):
        raise refusal


def words_of(refusal: Exception) -> str:
    """A refusal in one short line."""
    first = next(iter(str(refusal).strip().splitlines()), "")[:200]
    return f"{type(refusal).__name__}: {first}"


def name_of(model: Any) -> str:
    """The class of the transformers model, below PEFT's."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return type(base).__name__


def logits_of(model: Any, sources: Ids, targets: Ids, read: Any = None) -> torch.Tensor:
    """Logits for each token of `targets` behind `sources`: (tokens, vocabulary), row by row.

    A decoder-only model reads a target behind its source, where the first token of it is predicted
    at the source's last; an encoder-decoder model with its decoder, behind a start token.
    """
    batch = _batch(model.config, sources, targets)
    given = {name: tensor.to(model.device) for name, tensor in batch.items()}
    logits: torch.Tensor = (read or model)(**given).logits
    return logits


def _batch(config: Any, sources: Ids, targets: Ids) -> Tensors:
    if config.is_encoder_decoder:
        batch = training_batch(sources, targets, 0, start_token(config))
        del batch["labels"]
        return batch
    pairs = list(zip(sources, targets, strict=True))
    marks = [[0] * (len(source) - 1) + [1] * len(target) for source, target in pairs]
    batch = texts([[*source, *target[:-1]] for source, target in pairs], 0)
    return {**batch, "wanted": padded(marks, 0).bool()}


def start_token(config: Any) -> int:
    """What a decoder reads first: its start token, or that of any text."""
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        found = getattr(config, name, None)
        if found is None:
            found = getattr(config.get_text_config(decoder=True), name, None)
        if isinstance(found, int):
            return found
    return 0
