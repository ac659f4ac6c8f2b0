"""One example as the model gets it: its tokens, and which of them carry loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tunebook.models.special_tokens import words_for
from tunebook.schema import Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.pipeline.steps import EncodedSplits

BETWEEN = "│"
MOST_SHOWN = 300  # tokens
INDENT = "  "


def example_text(base: Base, splits: EncodedSplits, settings: Settings, *, trains: bool) -> str:
    """The first training example, or for a baseline the first test example.

    The tokens come from the batch that the model would get, the loss from its labels.
    """
    from tunebook.engine import IGNORED
    from tunebook.training import Collator

    row = splits.train[0] if trains else splits.test[0]
    batch = Collator(base)([row])
    read, labels = batch["input_ids"][0].tolist(), batch["labels"][0].tolist()
    learned = [label for label in labels if label != IGNORED]
    if base.facts.family == "decoder-only":
        read = [one for one, label in zip(read, labels, strict=True) if label == IGNORED]
    verb = "learns to answer, loss on each" if trains else "should answer"
    return "\n".join([
        *_front(settings),
        *(words_for(base.special, base.tokenizer) if base.special else ()),
        f"the model reads {len(read)} tokens, without loss:",
        INDENT + _shown(read, base.tokenizer),
        f"it {verb} of {len(learned)} tokens:",
        INDENT + _shown(learned, base.tokenizer),
    ])  # fmt: skip


def _front(settings: Settings) -> list[str]:
    count, place = settings.method.virtual_tokens, settings.method.place
    return [f"in front of {place} stand {count} learned positions"] if count else []


def _shown(ids: Sequence[int], tokenizer: Any) -> str:
    pieces = list(_pieces(ids[:MOST_SHOWN], tokenizer))
    more = max(0, len(ids) - MOST_SHOWN)
    return BETWEEN.join(pieces) + (f" … and {more} more" if more else "")


def _pieces(ids: Sequence[int], tokenizer: Any) -> Iterator[str]:
    """The text of each token; of several, with their number, where they make up one character."""
    first = 0
    while first < len(ids):
        sizes = range(1, min(MOST_FOR_A_CHARACTER, len(ids) - first) + 1)
        texts = {size: tokenizer.decode(list(ids[first : first + size])) for size in sizes}
        whole = (size for size, text in texts.items() if text and BROKEN not in text)
        size = next(whole, 1)
        name = str(tokenizer.convert_ids_to_tokens(ids[first]))
        text = name if not texts[size] or BROKEN in texts[size] else texts[size]
        yield text.replace("\n", "⏎") + (f"‹{size}›" if size > 1 else "")
        first += size


BROKEN, MOST_FOR_A_CHARACTER = "\ufffd", 4
