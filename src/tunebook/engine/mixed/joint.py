"""Several prompts over one frozen base in one forward: the losses of all, for training together.

    joint = JointPrompts(base, prompts)
    losses = joint(which, batches(rows))
    losses.sum().backward()

Prompts share no numbers, so each one gets from the sum exactly the gradient of its own loss: as if
it had been trained alone on its rows. Clip gradients prompt by prompt for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tunebook.engine.mixed.fronts import Caches, Vectors, front_for, moved
from tunebook.models.base import Base
from tunebook.training.batches import IGNORED
from tunebook.training.loss import token_losses

Tensors = Mapping[str, torch.Tensor]


class JointPrompts(torch.nn.Module):
    """Prompts, as `attach` gives them, around one `base.model`.

    A module, so that its forward can be wrapped (DistributedDataParallel sees no other call).
    Raises RequestError for prompts that cannot be mixed.
    """

    def __init__(self, base: Base, prompts: Sequence[Any], smoothing: float = 0.0) -> None:
        super().__init__()
        self.base, self.smoothing = base, smoothing
        self.prompts = torch.nn.ModuleList(prompts)
        self._front = front_for(base, prompts)
        self._decoder_only = base.facts.family == "decoder-only"

    def forward(self, which: Sequence[int], batch: Tensors) -> torch.Tensor:
        """Mean cross-entropy a target token of each prompt's own rows: (prompts,).

        Row i of `batch`, as tunebook.training.Batches makes it, uses prompt `which[i]`. A prompt
        without a row has loss 0.
        """
        logits = self.logits(which, batch)
        labels = batch["labels"].to(logits.device)[:, int(self._decoder_only) :]
        wanted = labels != IGNORED
        losses = token_losses(logits, labels[wanted], self.smoothing)
        of_prompt = torch.tensor(which, device=logits.device).repeat_interleave(wanted.sum(dim=1))
        none = losses.new_zeros(len(self.prompts))
        counts = none.index_add(0, of_prompt, torch.ones_like(losses))
        return none.index_add(0, of_prompt, losses) / counts.clamp(min=1)

    def logits(self, which: Sequence[int], batch: Tensors) -> torch.Tensor:
        """Logits where a label is predicted, row by row: (target tokens, vocabulary).

        A soft prompt goes through the layers once, however many rows use it.
        """
        given = {name: tensor.to(self.base.model.device) for name, tensor in batch.items()}
        del given["labels"]
        rows = torch.tensor(which, device=self.base.model.device)
        front = self._front.of(self.base, list(self.prompts))
        put = self._behind_caches if isinstance(front, Caches) else self._behind_vectors
        return self.base.model(**put(front, rows, given)).logits  # type: ignore[arg-type]

    def _behind_caches(
        self, front: Caches, which: torch.Tensor, given: dict[str, torch.Tensor]
    ) -> dict[str, Any]:
        mask = given["attention_mask"]
        return {
            **given,
            "attention_mask": torch.cat([front.mask(which), mask], dim=1),
            "position_ids": (mask.cumsum(-1) - 1).clamp(min=0) + front.lengths[which][:, None],
            "past_key_values": front.of_rows(which),
            "use_cache": True,
        }

    def _behind_vectors(
        self, front: Vectors, which: torch.Tensor, given: dict[str, torch.Tensor]
    ) -> dict[str, Any]:
        words = self.base.model.get_input_embeddings()(given.pop("input_ids"))
        vectors, mask, order = front.in_front(words, given["attention_mask"], which, left=False)
        if self._decoder_only:
            room = int(front.lengths[which].max())
            given["wanted"] = moved(given["wanted"], order, room)
        return {**given, "inputs_embeds": vectors, "attention_mask": mask}
