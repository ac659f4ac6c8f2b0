"""What a base model cannot do of a method, found before anything is trained or scored.

A method that leaves the layers alone is put in front of the model for one forward and one backward
pass, and taken away again; of a method inside the layers PEFT is asked (wrapping.rehearse).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from tunebook.errors import Problem, RequestError
from tunebook.methods.parts.kinds import SOFT, kind_of
from tunebook.models.apart import (
    LENGTHS,
    REFUSALS,
    evaluating,
    logits_of,
    name_of,
    near,
    texts_to_try,
    words_of,
)

if TYPE_CHECKING:
    from tunebook.models.base import Base

INSTEAD = "Use a method inside the layers, such as method=lora, or another model."


def try_in_front(
    base: Base,
    attach: Callable[[], Any],
    also: Callable[[Any], object] = lambda _: None,
    *,
    is_prefix: bool = False,
) -> None:
    """Raise RequestError where the model that `attach` gives cannot be trained or answer.

    `also` is called with that model, for what else must not fail.
    """
    with _left_as_it_was(base.model):
        try:
            reason = _why_no_prefix(base.model) if is_prefix else ""
            model = None if reason else attach()
            reason = reason or _why_not(model)
            if not reason:
                also(model)
        except torch.OutOfMemoryError:
            raise
        except RequestError:
            raise
        except REFUSALS as refusal:
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
    logits_of(model.train(), texts, targets).float().logsumexp(dim=-1).sum().backward()
    model.eval()
    learned = [one for one in model.parameters() if one.requires_grad]
    if not any(one.grad is not None and one.grad.any() for one in learned):
        return "no gradient reaches them"
    return ""


def _why_no_prefix(base: Any) -> str:
    """A prefix stands among the keys and values of every layer."""
    ids = torch.tensor(texts_to_try(base, LENGTHS[0])[:1], device=base.device)
    more = {"decoder_input_ids": ids} if base.config.is_encoder_decoder else {}
    with evaluating(base):
        cache = getattr(base(input_ids=ids, use_cache=True, **more), "past_key_values", None)
    if cache is None:
        return "it keeps no keys and values"
    layers = getattr(cache, "self_attention_cache", cache).layers
    if any(getattr(layer, "keys", None) is None for layer in layers):
        return "some layers keep a state instead of keys and values"
    return ""


def _why_no_vectors(base: Any, texts: list[list[int]], targets: list[list[int]]) -> str:
    """A soft prompt stands before the vectors of a text, not before its ids."""

    def read(input_ids: torch.Tensor, **more: Any) -> Any:
        return base(inputs_embeds=base.get_input_embeddings()(input_ids), **more)

    with evaluating(base):
        if near(logits_of(base, texts, targets, read), logits_of(base, texts, targets)):
            return ""
    return "it reads the vectors of a text otherwise than its ids"
