"""Batched generation whose rows use different prompts; each row's text is what it gives alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from tunebook.engine.generate import generation_config, ids_alone, text_of
from tunebook.engine.mixed.fronts import Caches, front_for
from tunebook.engine.padding import padded
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings
from tunebook.training.loss import by_length

Tick = Callable[[int], object]


class MixedDecoder:
    """Decodes rows of several prompts over one base together.

    What the prompts have in common for all batches, their caches or vectors, is computed once, when
    it is made. Raises RequestError where a prompt cannot be mixed with the others.
    """

    @torch.no_grad()
    def __init__(self, base: Base, prompts: Sequence[Any]) -> None:
        for prompt in prompts:
            prompt.eval()
        self.base, self.front = base, front_for(base, prompts).of(base, prompts)

    @torch.no_grad()
    def generate(
        self, sources: Sequence[Sequence[int]], which: Sequence[int], decoding: DecodingSettings,
        progress: Tick = lambda _: None,
    ) -> list[str]:  # fmt: skip
        """The text for each source, in order; source i stands behind the prompt `which[i]`.

        `progress` is told how many more are done.
        """
        config = generation_config(self.base, decoding)
        texts = [""] * len(sources)
        for indices in by_length(self._lengths(sources, which), decoding.batch_size):
            with ids_alone(self.base.model):
                some = [sources[i] for i in indices], [which[i] for i in indices]
                made = self._decode(*some, config)
            for i, row in zip(indices, made.tolist(), strict=True):
                texts[i] = text_of(self.base.tokenizer, row)
            progress(len(indices))
        return texts

    def _lengths(self, sources: Sequence[Sequence[int]], which: Sequence[int]) -> list[int]:
        """What a batch is as long as: the texts alone where prompts are caches."""
        if isinstance(self.front, Caches):
            return [len(source) for source in sources]
        virtual = self.front.lengths.tolist()
        return [len(s) + virtual[w] for s, w in zip(sources, which, strict=True)]

    def _decode(self, sources: list[Sequence[int]], which: list[int], config: Any) -> torch.Tensor:
        """New tokens alone, int64 (rows, new tokens)."""
        model, left = self.base.model, self.base.facts.family == "decoder-only"
        ids = padded(sources, self.base.tokenizer.pad_token_id, left=left).to(model.device)
        mask = padded([[1] * len(s) for s in sources], 0, left=left).to(model.device)
        rows = torch.tensor(which, device=model.device)
        if isinstance(self.front, Caches):
            return self._behind_caches(self.front, ids, mask, rows, config)
        words = model.get_input_embeddings()(ids)
        vectors, whole = self.front.in_front(words, mask, rows, left=left)
        return model.generate(inputs_embeds=vectors, attention_mask=whole, generation_config=config)

    def _behind_caches(
        self, front: Caches, ids: torch.Tensor, mask: torch.Tensor, rows: torch.Tensor, config: Any
    ) -> torch.Tensor:
        made = self.base.model.generate(
            input_ids=ids,
            attention_mask=torch.cat([front.mask(rows), mask], dim=1),
            past_key_values=front.of_rows(rows.repeat_interleave(config.num_beams)),
            generation_config=config,
        )
        return made[:, ids.shape[1] :]
