"""Any method of PEFT's that changes layers and needs nothing else: one YAML names it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError
from tunebook.methods.method import Method
from tunebook.methods.parts.wrapping import class_of, rehearse
from tunebook.schema import ModelSettings
from tunebook.typed import required, setting

if TYPE_CHECKING:
    from tunebook.models.base import Base


@dataclass
class OfPEFT(Method):
    """Which method, and its options by PEFT's names."""

    peft_type: str = required("PEFT's name of the method, as in peft.PeftType: IA3, LN_TUNING, …")
    peft: dict[str, Any] = setting({}, "options of PEFT's configuration of that method")

    @property
    def peft_class(self) -> Any:
        """PEFT's class of options. Raises RequestError where PEFT has no such method."""
        return class_of(self.peft_type)

    def misfits(self, model: ModelSettings) -> list[Problem]:
        """PEFT has no such method, or it needs more than layers that are changed."""
        from peft import PeftType, PromptLearningConfig
        from peft.mapping import PEFT_TYPE_TO_TUNER_MAPPING

        try:
            cls = self.peft_class
        except RequestError as error:
            return error.problems
        tuner = PEFT_TYPE_TO_TUNER_MAPPING.get(PeftType(self.peft_type))
        if issubclass(cls, PromptLearningConfig):
            what = f"{self.peft_type} does not change layers, but stands in front of them"
        elif hasattr(tuner, "update_and_allocate"):
            what = f"{self.peft_type} has to be told of every step of the training"
        else:
            return []
        return [Problem("method.peft_type", what, "Write it a class: see docs/adding.md.")]

    def rehearse(self, base: Base, config: Any) -> Any:
        """Some methods compute with numbers when they are attached."""
        import torch

        try:
            return super().rehearse(base, config)
        except (NotImplementedError, RuntimeError):
            with torch.random.fork_rng():
                return rehearse(base, config, "cpu")

    def options(self) -> dict[str, Any]:
        """None of ours: all are given below `method.peft`."""
        return {}
