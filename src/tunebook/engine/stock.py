"""Decoding left to transformers' generate: beams, and what else our own search does not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from transformers import GenerationConfig

from tunebook.engine.batches import Ids, Tensors, texts
from tunebook.engine.kinds import SOFT, kind_of
from tunebook.engine.prompts import Prompts, prompts_of
from tunebook.engine.ways import STEPS, Progress, Tried, Way
from tunebook.models.base import Base


def inputs(base: Base, sources: Ids) -> Tensors:
    """input_ids and attention_mask on the model's device, a decoder-only model's padded on the left
    so that all texts end in one column."""
    left = base.facts.family == "decoder-only"
    given = texts(sources, base.tokenizer.pad_token_id, left=left)
    return {name: tensor.to(base.model.device) for name, tensor in given.items()}


def inputs_behind(
    prompts: Prompts, base: Base, sources: Ids, which: Sequence[int], beams: int
) -> dict[str, Any]:
    """The same, each row behind its own prompt."""
    rows = torch.tensor(which, device=base.model.device)
    return prompts.inputs(inputs(base, sources), rows, beams)


def generated(model: Any, base: Base, given: dict[str, Any], config: GenerationConfig) -> Any:
    """What `model` generates from `given`, without the base's own generation settings, which
    transformers puts wherever ours has none: penalties, suppressed tokens, lengths."""
    with _ids_alone(base.model):
        return model.generate(**given, generation_config=config)


@contextmanager
def _ids_alone(model: Any) -> Iterator[None]:
    own, model.generation_config = model.generation_config, GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def new_tokens(base: Base, given: dict[str, Any], made: torch.Tensor) -> list[list[int]]:
    """Without the texts, where what was read stands in front of them: ids, not vectors."""
    reads_ids = base.facts.family == "decoder-only" and "input_ids" in given
    read = given["input_ids"].shape[1] if reads_ids else 0
    rows: list[list[int]] = made[:, read:].tolist()
    return rows


@dataclass
class Stock(Way):
    """A soft prompt stands in front as keys and values or as vectors; all else is PEFT's."""

    model: Any
    base: Base
    config: GenerationConfig

    def __post_init__(self) -> None:
        is_soft = kind_of(self.model) == SOFT
        self.prompts = prompts_of(self.base, [self.model]) if is_soft else None
        self.generates = self.base.model if is_soft else self.model

    def _given(self, sources: Ids, beams: int) -> dict[str, Any]:
        if self.prompts is None:
            return dict(inputs(self.base, sources))
        return inputs_behind(self.prompts, self.base, sources, [0] * len(sources), beams)

    def read(self, sources: Ids, progress: Progress) -> list[list[int]]:
        """See Way."""
        given = self._given(sources, self.config.num_beams)
        made = generated(self.generates, self.base, given, self.config)
        progress(len(sources))
        return new_tokens(self.base, given, made)

    def attempt(self, sources: Ids) -> Tried:
        """See Way."""
        made = generated(self.generates, self.base, self._given(sources, 1), self._to_try())
        return made.sequences[:, -STEPS:].tolist(), torch.stack(made.logits, dim=1)

    def _to_try(self) -> GenerationConfig:
        """A few tokens of each row, and their logits."""
        names = ("pad_token_id", "bos_token_id", "decoder_start_token_id")
        return GenerationConfig(
            **{name: getattr(self.config, name) for name in names},
            max_new_tokens=STEPS,
            num_beams=1,
            do_sample=False,
            output_logits=True,
            return_dict_in_generate=True,
        )
