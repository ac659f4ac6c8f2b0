"""Rows that must be read apart: where padding changes what a model makes of a text.

Models count distances in columns, let padding into their state, or ignore the mask, and little of
it shows in a configuration. So each model is asked once: a batch of texts of different lengths, one
of them longer than the model's windows, must give the logits that each text gives alone. Where it
does not, `forward` reads rows of equal length together; where that is not enough, one at a time.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from transformers.modeling_outputs import CausalLMOutput

from tunebook.engine.plain import left_out
from tunebook.engine.probe import Ids, evaluating, logits_of, name_of, near, texts_to_try

TARGETS = (2, 4, 3, 2, 4)
TOGETHER, EQUAL, ALONE = "padded", "of equal length", "one at a time"
"""How rows may be read."""


def read_apart(model: Any, longest: int, say: Callable[[str], None] = lambda _: None) -> str:
    """How `model` may read rows of up to `longest` tokens; its forward is changed to do so.

    What counts is a forward as in training, with `input_ids`, `attention_mask`, `wanted` and, in an
    encoder-decoder model, `decoder_input_ids`, padded on the right. A model is asked once, and
    again where texts reach beyond a window that they did not reach before.
    """
    texts = texts_to_try(model, longest)
    how, length = model.__dict__.get("tunebook_reads", (TOGETHER, 0))
    if how == TOGETHER and len(texts[0]) > length and not left_out("apart"):
        with evaluating(model):
            how = _how_to_read(model, texts)
        model.tunebook_reads = how, len(texts[0])
        if how != TOGETHER:
            model.forward = _apart(model.forward, how)
            say(f"rows are read {how} (padding changes what {name_of(model)} makes of a text)")
    return str(how)


def _how_to_read(model: Any, texts: Ids) -> str:
    targets = [text[:length] for text, length in zip(texts, TARGETS, strict=False)]
    pairs = zip(texts, targets, strict=True)
    alone = [logits_of(model, [text], [target]) for text, target in pairs]
    for how in (TOGETHER, EQUAL):
        read = model.forward if how == TOGETHER else _apart(model.forward, how)
        found = logits_of(model, texts, targets, read)
        parts = found.split([len(one) for one in alone])
        if all(near(*pair) for pair in zip(parts, alone, strict=True)):
            return how
    return ALONE


def _apart(forward: Any, how: str) -> Any:
    """`forward` for padded batches of training, in several calls."""

    @functools.wraps(forward)
    def read(*inputs: Any, wanted: Any = None, **given: Any) -> Any:
        ids, mask = given.get("input_ids"), given.get("attention_mask")
        if inputs or wanted is None or ids is None or mask is None or len(ids) == 1:
            return forward(*inputs, **given, **({} if wanted is None else {"wanted": wanted}))
        counts = wanted.sum(dim=1).tolist()
        parts: list[torch.Tensor] = [ids.new_empty(0)] * len(ids)
        for rows in _alike(mask, wanted, how):
            logits = forward(**_some({**given, "wanted": wanted}, rows)).logits
            some = logits.split([counts[row] for row in rows])
            for row, part in zip(rows, some, strict=True):
                parts[row] = part
        return CausalLMOutput(logits=torch.cat(parts))

    return read


def _alike(mask: torch.Tensor, wanted: torch.Tensor, how: str) -> list[list[int]]:
    """Rows that may be read together: as long as one another, and so their targets."""
    groups: dict[Any, list[int]] = {}
    ends = (wanted.cumsum(dim=1) * wanted).argmax(dim=1).tolist()
    for row, key in enumerate(zip(mask.sum(dim=1).tolist(), ends, strict=True)):
        groups.setdefault(row if how == ALONE else key, []).append(row)
    return list(groups.values())


def _some(given: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    """These rows without their padding."""
    few = {k: v[rows] if torch.is_tensor(v) else v for k, v in given.items()}
    length = int(few["attention_mask"].sum(dim=1).max())
    in_decoder = "decoder_input_ids" in few
    answer = int(few["wanted"].any(dim=0).nonzero().max()) + 1 if in_decoder else length
    of_text = ("input_ids", "attention_mask")
    return {
        name: value[:, : length if name in of_text else answer] if torch.is_tensor(value) else value
        for name, value in few.items()
    }
