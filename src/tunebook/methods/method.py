"""What every method is: a class whose fields are its options, built from the base by `attach`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from tunebook.methods.parts.wrapping import class_of, peft_config, rehearse, wrap
from tunebook.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

OPEN = "peft"
"""The field that takes any other option of PEFT's class."""


@dataclass
class Method(MethodSettings):
    """A method of PEFT's whose options are the fields of the same names.

    Others say in `renamed`, `options` and `sizes` what PEFT is given instead; a method that PEFT
    has no part in has no `peft_name`, and its own `attach`.
    """

    peft_name: ClassVar[str] = ""
    """PEFT's name of the method, as in peft.PeftType."""
    renamed: ClassVar[Mapping[str, str]] = {}
    """Options of PEFT's class that have a key of ours by another name."""

    @classmethod
    def own_options(cls) -> list[str]:
        """The names of the options that no other method needs to have."""
        every = {field.name for field in fields(MethodSettings)} | {OPEN}
        return [field.name for field in fields(cls) if field.name not in every]

    @property
    def set_here(self) -> dict[str, str]:
        """Each option that is not given below `method.peft`, with the key to give instead."""
        return {name: f"method.{name}" for name in self.own_options()} | dict(self.renamed)

    @property
    def peft_class(self) -> Any:
        """PEFT's class of options; None where it has no part. Raises RequestError for no such."""
        return class_of(self.peft_name) if self.peft_name else None

    def options(self) -> dict[str, Any]:
        """What PEFT is given of the method's own options."""
        return {name: getattr(self, name) for name in self.own_options()}

    def sizes(self, base: Base) -> dict[str, int]:
        """Sizes of the model that PEFT would guess otherwise, by its names."""
        return {}

    def config(self, base: Base, settings: Settings) -> Any:
        """PEFT's configuration; None where it has no part. Raises RequestError where it refuses."""
        if not (cls := self.peft_class):
            return None
        options = {"revision": settings.model.revision, **self.options()}
        return peft_config(cls, base.facts, options, getattr(self, OPEN), self.sizes(base))

    def rehearse(self, base: Base, config: Any) -> Any:
        """The method on a copy of the model without numbers; raises RequestError as `attach`."""
        return rehearse(base, config)

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """`base.model` with the parameters added, those alone requiring gradients."""
        return wrap(base, self.config(base, settings))


@dataclass
class SoftPrompt(Method):
    """Vectors in front of the input, computed once a batch where the model can."""

    is_soft_prompt = shares_base = True
    grows_with: ClassVar[tuple[str, ...]] = ("num_virtual_tokens",)

    def options(self) -> dict[str, Any]:
        """An encoder-decoder model gets the prompt in front of its encoder alone.

        PEFT's own default doubles the vectors for a decoder that never sees them.
        """
        return {**super().options(), "num_transformer_submodules": 1}

    def sizes(self, base: Base) -> dict[str, int]:
        """The width of the vectors."""
        from tunebook.methods.parts.shapes import sizes_of_prompt

        return sizes_of_prompt(base)

    def begin(self, model: Any, base: Base, settings: Settings) -> None:
        """Set the first values where PEFT's own draw is not wanted."""

    def attach(self, base: Base, settings: Settings, say: Say) -> Any:
        """`base.model` behind the prompt; says how it is computed."""
        from tunebook.engine import share

        model = super().attach(base, settings, say)
        self.begin(model, base, settings)
        say(share(model))
        return model
