"""What a base model cannot do of a method, found before anything is trained or scored.

A method that leaves the layers alone is put in front of the model for one forward and one backward
pass, and taken away again; of a method inside the layers PEFT is asked (wrapping.rehearse).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tunebook.engine.kinds import SOFT, kind_of
from tunebook.engine.probe import (
    LENGTHS,
    REFUSALS,
    evaluating,
    logits_of,
    name_of,
    near,
    pass_on_full_memory,
    texts_to_try,
    words_of,
)
from tunebook.errors import Problem, RequestError
from tunebook.models.base import Base

INSTEAD = "Use a method inside the layers, such as method=lora, or another model."


def try_in_front(
    base: Base,
    attach: Callable[[], Any],
    also: Callable[[Any], object] = lambda _: None,
) -> None:
    """Raise RequestError where the model that `attach` gives cannot be trained or answer.

    `also` is called with that model, for what else must not fail.
    """
    with _left_as_it_was(base.model):
        try:
            model = attach()
            reason = _why_not(model)
            if not reason:
                also(model)
        except RequestError:
            raise
        except REFUSALS as refusal:
            pass_on_full_memory(refusal)
            reason = words_of(refusal)
    if reason:
        what = f"{name_of(base.model)} cannot stand behind learned vectors ({reason})"
        raise RequestError(Problem("method", what, INSTEAD))


@contextmanager
def _left_as_it_was(base: Any) -> Iterator[None]:
    attention = base.config._attn_implementation
    with torch.random.fork_rng():
        try:
            yield
        finally:
            base.config._attn_implementation = attention


def _why_not(model: Any) -> str:
    base = model.get_base_model()
    texts = texts_to_try(base, LENGTHS[0])
    targets = [text[:2] for text in texts]
    if kind_of(model) == SOFT and (reason := _why_no_vectors(base, texts, targets)):
        return reason
    learned = [one for one in model.parameters() if one.requires_grad]
    for one in learned:  # as after some steps: no vector is that of a word any more
        one.data += 0.1 * torch.randn_like(one)
    logits_of(model.train(), texts, targets).float().logsumexp(dim=-1).sum().backward()
    model.eval()
    if not any(one.grad is not None and one.grad.any() for one in learned):
        return "no gradient reaches them"
    return ""


def _why_no_vectors(base: Any, texts: list[list[int]], targets: list[list[int]]) -> str:
    """A soft prompt stands before the vectors of a text, not before its ids."""

    def read(input_ids: torch.Tensor, **more: Any) -> Any:
        return base(inputs_embeds=base.get_input_embeddings()(input_ids), **more)

    with evaluating(base):
        if near(logits_of(base, texts, targets, read), logits_of(base, texts, targets)):
            return ""
    return "it reads the vectors of a text otherwise than its ids"
