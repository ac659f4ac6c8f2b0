"""One example as token ids, its long field cut where the model has no room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.models.facts import ModelFacts
from tunebook.settings.checks import virtual_tokens
from tunebook.settings.schema import Settings
from tunebook.tasks import Row, Task, task_of
from tunebook.templates import Template


@dataclass(frozen=True)
class Room:
    """How many tokens a source may have.

    `most` counts for every source. `shared` is what source and target have together, for a
    decoder-only model with a limited context; None where there is no such limit.
    """

    most: int
    shared: int | None

    @staticmethod
    def of(settings: Settings, facts: ModelFacts) -> Room:
        """The room that the settings, the prompt and the model's context leave."""
        most = settings.template.max_source_tokens
        if facts.context is None:
            return Room(most, None)
        left = facts.context - virtual_tokens(settings)
        if facts.family == "encoder-decoder":
            return Room(min(most, left), None)
        return Room(min(most, left - settings.decoding.max_new_tokens), left)

    def for_target(self, tokens: int) -> int:
        """Tokens that a source may have in front of a target of that many."""
        return self.most if self.shared is None else min(self.most, self.shared - tokens)


@dataclass(frozen=True)
class Source:
    """A source as the model gets it: its text, its ids, and whether its long field was cut."""

    text: str
    ids: list[int]
    cut: bool = False


class Encoder:
    """Turns rows into ids: templates, special tokens, and cuts are decided here alone."""

    def __init__(self, settings: Settings, facts: ModelFacts, tokenizer: Any) -> None:
        self.task: Task = task_of(settings.task)
        self.template = Template(settings.template, self.task)
        self.tokenizer = tokenizer
        self.room = Room.of(settings, facts)
        self.decoder_only = facts.family == "decoder-only"
        self.separator = settings.template.separator if self.decoder_only else ""

    def sources(self, rows: Sequence[Row], targets: Sequence[Sequence[int]] | None = None) -> list[
        Source | None
    ]:  # fmt: skip
        """Each row's source; None where it does not fit although its long field is cut away.

        `targets` are the ids that must fit behind the sources, in the same order.
        """
        fields = [self.task.texts(row) for row in rows]
        texts = [self._render(one) for one in fields]
        encoded = self._ids(texts)
        lengths = [len(target) for target in targets] if targets is not None else [0] * len(rows)
        return [
            Source(text, ids)
            if len(ids) <= self.room.for_target(length)
            else self._cut(one, len(ids), self.room.for_target(length))
            for one, text, ids, length in zip(fields, texts, encoded, lengths, strict=True)
        ]

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids to be learned, the end-of-text token last."""
        if not self.decoder_only:
            return [list(ids) for ids in self.tokenizer(text_target=list(texts))["input_ids"]]
        plain = self.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
        return [[*ids, self.tokenizer.eos_token_id] for ids in plain]

    def _render(self, texts: dict[str, str]) -> str:
        return self.template.render(texts) + self.separator

    def _ids(self, texts: list[str]) -> list[list[int]]:
        encoded = self.tokenizer(texts)["input_ids"]
        if not self.decoder_only:
            return [list(ids) for ids in encoded]
        end = self.tokenizer.eos_token_id
        return [list(ids[:-1] if len(ids) > 1 and ids[-1] == end else ids) for ids in encoded]

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
                return Source(text, ids, cut=True)
            keep -= max(1, len(ids) - most)
        return None

    def _pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each token of `text` begins and ends, in characters."""
        if not self.tokenizer.is_fast:
            return [(i, i + 1) for i in range(len(text))]
        found = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return [(start, end) for start, end in found["offset_mapping"]]

    def _part(self, text: str, pieces: list[tuple[int, int]], keep: int) -> str:
        if self.task.cut_side == "left":
            return text[pieces[-keep][0] :].lstrip()
        return text[: pieces[keep - 1][1]].rstrip()
