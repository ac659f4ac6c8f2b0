"""Prefix tuning: learned keys and values in every layer (Li and Liang 2021, arXiv 2101.00190)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook import tasks
from tunebook.errors import Problem
from tunebook.methods.method import Method
from tunebook.schema import ModelSettings, Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say


@dataclass
class PrefixTuning(Method):
    """How many positions, and where their keys and values start."""

    num_virtual_tokens: int = setting(20, "learned positions in front of every layer", at_least=1)
    init: str = setting("text", "where keys and values start", choices=("text", "random", "zero"))
    init_text: str | None = setting(None, "start from this text; null: the task's instruction")
    peft: dict[str, Any] = setting({}, "any other option of peft.PrefixTuningConfig")

    peft_name = "PREFIX_TUNING"
    renamed = {"init_weights": "method.init"}
    shares_base = True
    place = "every layer"
    grows_with = ("num_virtual_tokens",)

    @property
    def decoder_tokens(self) -> int:
        """All: a prefix reaches only the decoder of an encoder-decoder model."""
        return self.num_virtual_tokens

    def misfits(self, model: ModelSettings) -> list[Problem]:
        """Keys and values are handed over in the cache."""
        if not model.gradient_checkpointing:
            return []
        what = "prefix tuning needs the cache that gradient checkpointing switches off"
        remedy = "Set it to false, or choose method=prompt or method=lora."
        return [Problem("model.gradient_checkpointing", what, remedy)]

    def options(self) -> dict[str, Any]:
        """A start from text is set below; PEFT knows the others."""
        init = "zero" if self.init == "zero" else None
        return {"num_virtual_tokens": self.num_virtual_tokens, "init_weights": init}

    def sizes(self, base: Base) -> dict[str, int]:
        """Of the keys and values of every layer."""
        from tunebook.methods.parts.shapes import sizes_of_prefix

        return sizes_of_prefix(base)

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """`base.model` with a learned prefix; it reaches only the decoder of an encoder-decoder."""
        from peft import initialize_kv_prefix_from_past_key_values

        from tunebook.methods.parts.initial import prefix_cache

        text = self.init_text or tasks.instruction_of(settings.task)
        from_text = self.init == "text" and not self.peft.get("prefix_projection")
        cache = prefix_cache(base, self.num_virtual_tokens, text) if from_text else None
        model = super().attach(base, settings, say)
        if cache is not None:
            initialize_kv_prefix_from_past_key_values(model, past_key_values=cache)
        return model
