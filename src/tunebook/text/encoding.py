"""One example as token ids, its long field cut where the model has no room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.methods import decoder_positions
from tunebook.models.facts import ModelFacts
from tunebook.models.special_tokens import Ids, special_tokens
from tunebook.schema import Settings
from tunebook.tasks import Row, Task, task_of
from tunebook.templates.template import Template, renamed
from tunebook.text.words import Words

if TYPE_CHECKING:
    from tunebook.models.base import Base

LONGEST_TEXT = 1_000_000
"""Characters of one field or target; encoding a million takes about 220 MB."""
SIGNS_A_TOKEN = 32


@dataclass(frozen=True)
class Room:
    """How many tokens a source and a target may have.

    `most` counts for every source. `shared` is what source and target have together, for a
    decoder-only model with a limited context; None where there is no such limit. `target` is what
    an encoder-decoder's decoder has for a target; None where nothing limits it.
    """

    most: int
    shared: int | None
    target: int | None = None

    @staticmethod
    def of(settings: Settings, facts: ModelFacts) -> Room:
        """The room that the settings, the prompt and the model's context leave."""
        most = settings.template.max_source_tokens
        if facts.family == "encoder-decoder":
            left = most if facts.context is None else facts.context - settings.method.virtual_tokens
            return Room(min(most, left), None, decoder_positions(settings.method, facts))
        if facts.context is None:
            return Room(most, None)
        left = facts.context - settings.method.virtual_tokens
        return Room(min(most, left - settings.decoding.max_new_tokens), left)

    def for_target(self, tokens: int) -> int:
        """Tokens that a source may have in front of a target of that many; 0 where it is too long
        for any."""
        if self.target is not None and tokens > self.target:
            return 0
        return self.most if self.shared is None else max(0, min(self.most, self.shared - tokens))

    def holds(self, source: int, target: int) -> bool:
        """Whether source and target fit together, in tokens."""
        return source <= self.for_target(target)

    @property
    def signs(self) -> int:
        """Characters of one text that are looked at."""
        return max(LONGEST_TEXT, SIGNS_A_TOKEN * self.most)


@dataclass(frozen=True)
class Source:
    """A source as the model gets it: its text, its ids, and whether its long field was cut."""

    text: str
    ids: list[int]
    cut: bool = False


class Encoder:
    """Turns rows into ids: templates, special tokens, and cuts are decided here alone."""

    def __init__(self, settings: Settings, base: Base) -> None:
        self.task: Task = task_of(settings.task)
        self.tokenizer: Any = base.tokenizer
        self.words = Words(base.tokenizer)
        self.special = base.special or special_tokens(base, settings.task)
        self.template = Template(settings.template, self.task, self.words.names)
        self.room = Room.of(settings, base.facts)
        self.separator = ""
        if base.facts.family == "decoder-only":
            self.separator = renamed(settings.template.separator, self.words.names)

    def sources(self, rows: Sequence[Row], targets: Sequence[Sequence[int]] | None = None) -> list[
        Source | None
    ]:  # fmt: skip
        """Each row's source; None where it does not fit although its long field is cut away.

        `targets` are the ids that must fit behind the sources, in the same order.
        """
        lengths = [len(target) for target in targets] if targets is not None else [0] * len(rows)
        given = [self.task.texts(row) for row in rows]
        fields = [self._within_limit(one) for one in given]
        texts = [self._render(one) if one else "" for one in fields]
        encoded = self._ids(texts)
        return [
            self._fitted(one, text, ids, self.room.for_target(length), cut=one != full)
            if one
            else None
            for full, one, text, ids, length in zip(
                given, fields, texts, encoded, lengths, strict=True
            )
        ]

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids to be learned, the end-of-text token last; one too long is cut far behind all
        that a model has room for."""
        before, behind = self.special.before_target, self.special.behind_target
        short = [text[: self.room.signs] for text in texts]
        encoded = self.words.ids(short, target=self.special.start is not None)
        return [[*before, *ids, *behind] for ids in encoded]

    def leaves_no_room(self, row: Row, target: Sequence[int]) -> bool:
        """Whether it is the target that is too long: the row's source fits without it."""
        alone = self.sources([row])[0]
        too_long = self.is_too_long(self.task.target(row))
        return alone is not None and (too_long or not self.room.holds(self.room.most, len(target)))

    def is_too_long(self, text: str) -> bool:
        """Whether a target is longer than any text that is read."""
        return len(text) > self.room.signs

    def _within_limit(self, texts: dict[str, str]) -> dict[str, str] | None:
        """The long field cut to what can matter; None where another field is longer."""
        long, most = self.task.long_field, self.room.signs
        if any(len(text) > most for name, text in texts.items() if name != long):
            return None
        if len(texts[long]) <= most:
            return texts
        left = self.task.cut_side == "left"
        return {**texts, long: texts[long][-most:] if left else texts[long][:most]}

    def _render(self, texts: dict[str, str]) -> str:
        return self.template.render(texts) + self.separator

    def _ids(self, texts: list[str]) -> list[list[int]]:
        before, behind = self.special.before_source, self.special.behind_source
        return [
            [*_unless_there(before, ids[: len(before)]), *ids,
             *_unless_there(behind, ids[len(ids) - len(behind) :])]
            for ids in self.words.ids(texts)
        ]  # fmt: skip

    def _fitted(
        self, texts: dict[str, str], text: str, ids: list[int], most: int, *, cut: bool
    ) -> Source | None:
        if len(ids) <= most:
            return Source(self.words.shown(text), ids, cut)
        return self._cut(texts, len(ids), most) if most else None

    def _cut(self, texts: dict[str, str], length: int, most: int) -> Source | None:
        """Shorten the long field until the source fits."""
        name = self.task.long_field
        pieces = self._pieces(texts[name])
        keep = len(pieces) - (length - most)
        while keep > 0:
            shorter = {**texts, name: self._part(texts[name], pieces, keep)}
            text = self._render(shorter)
            (ids,) = self._ids([text])
            if len(ids) <= most:
                return Source(self.words.shown(text), ids, cut=True)
            keep -= max(1, len(ids) - most)
        return None

    def _pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each token of `text` begins and ends, in characters."""
        if not self.tokenizer.is_fast:
            return [(i, i + 1) for i in range(len(text))]
        found = self.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        return [(start, end) for start, end in found["offset_mapping"]]

    def _part(self, text: str, pieces: list[tuple[int, int]], keep: int) -> str:
        if self.task.cut_side == "left":
            return text[pieces[-keep][0] :].lstrip()
        return text[: pieces[keep - 1][1]].rstrip()


def _unless_there(special: Ids, there: Sequence[int]) -> Ids:
    """Special tokens that the template did not write itself."""
    return () if special and tuple(there) == special else special
