"""Rows that must be read apart: where padding changes what a model makes of a text.

Models count distances in columns, let padding into their state, or ignore the mask, and little of
it shows in a configuration. So each model is asked once: a batch of texts of different lengths, one
of them longer than the model's windows, must give the logits that each text gives alone. Where it
does not, `forward` reads rows of equal length together; where that is not enough, one at a time.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers.modeling_outputs import CausalLMOutput

from tunebook.system import is_full_memory

NEAR = {torch.float32: 1e-4, torch.float64: 1e-4}
"""How far two ways to compute the same logits may be apart, relative to their size; else 0.05."""
LENGTHS = (9, 9, 6, 3)
TARGETS = (2, 4, 3, 2, 4)
WINDOW = re.compile("window|chunk|radius|block_size")
MARKED = re.compile("token_id|token_index")
WORDS = 5000
TOGETHER, EQUAL, ALONE = "padded", "of equal length", "one at a time"
"""How rows may be read."""

Ids = list[list[int]]
Logits = Callable[..., torch.Tensor]


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


def read_apart(model: Any, longest: int, say: Callable[[str], None] = lambda _: None) -> str:
    """How `model` may read rows of up to `longest` tokens; its forward is changed to do so.

    What counts is a forward as in training, with `input_ids`, `attention_mask`, `wanted` and, in an
    encoder-decoder model, `decoder_input_ids`, padded on the right. A model is asked once, and
    again where texts reach beyond a window that they did not reach before.
    """
    texts = texts_to_try(model, longest)
    how, length = model.__dict__.get("tunebook_reads", (TOGETHER, 0))
    if how == TOGETHER and len(texts[0]) > length:
        with evaluating(model):
            how = _how_to_read(model, texts)
        model.tunebook_reads = how, len(texts[0])
        if how != TOGETHER:
            model.forward = _apart(model.forward, how)
            say(f"rows are read {how} (padding changes what {name_of(model)} makes of a text)")
    return str(how)


REFUSALS = (TypeError, ValueError, AttributeError, RuntimeError, LookupError, AssertionError)
"""What model code raises where it cannot do what is asked of it."""


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


def logits_of(model: Any, texts: Ids, targets: Ids, read: Any = None) -> torch.Tensor:
    """Logits for each token of `targets` behind `texts`: (tokens, vocabulary), row by row.

    A decoder-only model reads a target behind its text, where the first token of it is predicted at
    the text's last; an encoder-decoder model with its decoder, behind a start token.
    """
    given = {
        name: torch.tensor(rows, device=model.device)
        for name, rows in _batch(model.config, texts, targets).items()
    }
    given["wanted"] = given["wanted"].bool()
    logits: torch.Tensor = (read or model)(**given).logits
    return logits


def _batch(config: Any, texts: Ids, targets: Ids) -> dict[str, Ids]:
    if config.is_encoder_decoder:
        begin = start_token(config)
        return {
            **_padded(texts),
            "decoder_input_ids": _padded([[begin, *t[:-1]] for t in targets])["input_ids"],
            "wanted": _padded([[1] * len(t) for t in targets])["input_ids"],
        }
    rows = [[*text, *target[:-1]] for text, target in zip(texts, targets, strict=True)]
    pairs = zip(texts, targets, strict=True)
    marks = [[0] * (len(text) - 1) + [1] * len(target) for text, target in pairs]
    return {**_padded(rows), "wanted": _padded(marks)["input_ids"]}


def _padded(rows: Ids) -> dict[str, Ids]:
    longest = max(map(len, rows))
    return {
        "input_ids": [row + [0] * (longest - len(row)) for row in rows],
        "attention_mask": [[1] * len(row) + [0] * (longest - len(row)) for row in rows],
    }


def start_token(config: Any) -> int:
    """What a decoder reads first: its start token, or that of any text."""
    for name in ("decoder_start_token_id", "bos_token_id", "pad_token_id"):
        found = getattr(config, name, None)
        if found is None:
            found = getattr(config.get_text_config(decoder=True), name, None)
        if isinstance(found, int):
            return found
    return 0


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
