"""Prompt tuning: learned vectors in front of the input (Lester et al. 2021, arXiv 2104.08691)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook import tasks
from tunebook.methods.method import SoftPrompt
from tunebook.schema import Settings
from tunebook.typed import setting

if TYPE_CHECKING:
    from tunebook.models.base import Base


@dataclass
class PromptTuning(SoftPrompt):
    """How many vectors, and where they start."""

    num_virtual_tokens: int = setting(20, "learned vectors in front of the input", at_least=1)
    init: str = setting("text", "where the vectors start", choices=("text", "vocabulary", "random"))
    init_text: str | None = setting(None, "start from this text; null: the task's instruction")
    peft: dict[str, Any] = setting({}, "any other option of peft.PromptTuningConfig")

    peft_name = "PROMPT_TUNING"
    renamed = {"prompt_tuning_init": "method.init", "prompt_tuning_init_text": "method.init_text"}

    def options(self) -> dict[str, Any]:
        """The vectors start here and not in PEFT, which knows no text of the task."""
        return {
            "num_virtual_tokens": self.num_virtual_tokens,
            "num_transformer_submodules": 1,
            "prompt_tuning_init": "RANDOM",
        }

    def begin(self, model: Any, base: Base, settings: Settings) -> None:
        """From the words of a text or of the vocabulary, or at random."""
        from tunebook.methods.parts.initial import prompt_vectors

        text = self.init_text or tasks.instruction_of(settings.task)
        start = prompt_vectors(base, self.init, self.num_virtual_tokens, text)
        model.prompt_encoder["default"].embedding.weight.data.copy_(start)
