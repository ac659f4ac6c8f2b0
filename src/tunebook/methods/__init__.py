"""The methods: what is trained in front of, inside, or instead of the frozen model.

One module a kind of method, each with `OPTIONS` (its settings), `PEFT_CONFIG` (the class of PEFT
that it configures, or None, and then `config(base, settings)`), `SET_HERE` (options of that class
that have a key of ours) and `attach(base, settings, say)`; `SOFT_PROMPT = True` where all that is
learned are vectors in front of the input; `GROWS_WITH`, the options that memory grows with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tunebook.errors import RequestError
from tunebook.plugins import find, names
from tunebook.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

__all__ = [
    "attach",
    "check",
    "is_soft_prompt",
    "kinds",
    "module_of",
    "options_of",
    "trains",
    "weights_folder",
]


NEEDED = ("OPTIONS", "PEFT_CONFIG", "SET_HERE", "attach")


def kinds() -> list[str]:
    """Every kind of method that has a module here."""
    return names(__name__)


def module_of(kind: str) -> Any:
    """The module of a kind of method. Raises KeyError for an unknown kind."""
    return find(__name__, kind, NEEDED)


def options_of(kind: str) -> type[MethodSettings]:
    """The settings class of a kind of method. Raises KeyError for an unknown kind."""
    return module_of(kind).OPTIONS


def trains(settings: MethodSettings) -> bool:
    """Whether the method trains anything; a baseline does not."""
    return settings.kind != "baseline"


def weights_folder(settings: MethodSettings) -> str | None:
    """The folder of a run that holds what was trained; None for a baseline."""
    if not trains(settings):
        return None
    return "model" if settings.kind == "full" else "adapter"


def is_soft_prompt(settings: MethodSettings) -> bool:
    """Whether the method ends in vectors in front of the input, and in nothing else."""
    return getattr(module_of(settings.kind), "SOFT_PROMPT", False)


def check(base: Base, settings: Settings, also: Callable[[Any], object] = lambda _: None) -> None:
    """Raise RequestError for what PEFT, memory or the model would refuse once attached.

    A method that leaves the layers alone is tried; `also` is then called with the tried model.
    """
    from tunebook.methods.parts.fitting import too_large
    from tunebook.methods.parts.trial import try_in_front
    from tunebook.methods.parts.wrapping import rehearse

    if not trains(settings.method):
        return
    module = module_of(settings.method.kind)
    learned = sum(one.numel() for one in base.model.parameters())
    config = module.config(base, settings) if module.PEFT_CONFIG is not None else None
    if config is not None:
        model = rehearse(base, config)
        learned = sum(one.numel() for one in model.parameters() if one.requires_grad)
    if problems := too_large(base, settings.method, learned):
        raise RequestError(problems)
    if config is not None and config.is_prompt_learning:
        try_in_front(base, lambda: module.attach(base, settings, lambda _: None), also)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """The base model with the method's parameters added, those alone requiring gradients."""
    return module_of(settings.method.kind).attach(base, settings, say)
