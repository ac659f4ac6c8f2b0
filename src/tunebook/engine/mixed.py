"""Batched generation whose rows use different prompts; each row's text is what it gives alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunebook.engine.batches import Ids, by_length
from tunebook.engine.generate import generation_config, text_of
from tunebook.engine.prompts import prompts_of
from tunebook.engine.stock import generated, inputs_behind, new_tokens
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings


class MixedDecoder:
    """Decodes rows of several prompts over one base together.

    What the prompts have in common for all batches, their caches or vectors, is computed once, when
    it is made. Raises RequestError where a prompt cannot be mixed with the others.
    """

    @torch.no_grad()
    def __init__(self, base: Base, prompts: Sequence[Any]) -> None:
        for prompt in prompts:
            prompt.eval()
        self.base, self.prompts = base, prompts_of(base, prompts)

    @torch.no_grad()
    def generate(
        self,
        sources: Ids,
        which: Sequence[int],
        decoding: DecodingSettings,
        progress: Callable[[int], object] = lambda _: None,
    ) -> list[str]:
        """The text for each source, in order; source i stands behind the prompt `which[i]`.

        `progress` is told how many more are done.
        """
        config = generation_config(self.base, decoding)
        texts = [""] * len(sources)
        virtual = self.prompts.row_lengths(which)
        lengths = [len(source) + more for source, more in zip(sources, virtual, strict=True)]
        for rows in by_length(lengths, decoding.batch_size):
            made = self._made([sources[i] for i in rows], [which[i] for i in rows], config)
            for i, ids in zip(rows, made, strict=True):
                texts[i] = text_of(self.base.tokenizer, ids, self.base.special)
            progress(len(rows))
        return texts

    def _made(self, sources: Ids, which: Sequence[int], config: Any) -> list[list[int]]:
        given = inputs_behind(self.prompts, self.base, sources, which, config.num_beams)
        made = generated(self.base.model, self.base, given, config)
        return new_tokens(self.base, given, made)
