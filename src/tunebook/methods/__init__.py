"""The methods: what is trained in front of, inside, or instead of the frozen model.

One module a kind of method, each with one class derived from `methods.method.Method`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from tunebook import plugins
from tunebook.errors import RequestError
from tunebook.methods.method import Method
from tunebook.schema import MethodSettings, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say
    from tunebook.models.facts import ModelFacts

__all__ = ["attach", "check", "decoder_positions", "kinds", "options_of"]


def kinds() -> list[str]:
    """Every kind of method that has a module here."""
    return plugins.names(__name__)


def options_of(kind: str) -> type[Method]:
    """The class of a kind of method. Raises KeyError for an unknown kind."""
    return plugins.find_class(__name__, kind, Method)


def decoder_positions(method: MethodSettings, facts: ModelFacts) -> int | None:
    """Tokens of an answer that an encoder-decoder's decoder has positions for; None for no limit.

    Those of a prefix stand in front of them.
    """
    if facts.family != "encoder-decoder" or facts.decoder_context is None:
        return None
    return max(0, facts.decoder_context - method.decoder_tokens)


def check(base: Base, settings: Settings, also: Callable[[Any], object] = lambda _: None) -> None:
    """Raise RequestError for what PEFT, memory or the model would refuse once attached.

    A method that leaves the layers alone is tried; `also` is then called with the tried model.
    """
    from tunebook.engine import try_in_front
    from tunebook.methods.parts.fitting import too_large

    method = cast(Method, settings.method)
    if not method.trains:
        return
    config = method.config(base, settings)
    model = base.model if config is None else method.rehearse(base, config)
    learned = sum(one.numel() for one in model.parameters() if config is None or one.requires_grad)
    if problems := too_large(base, method, learned):
        raise RequestError(problems)
    if config is not None and config.is_prompt_learning:
        try_in_front(base, lambda: method.attach(base, settings, lambda _: None), also)


def attach(base: Base, settings: Settings, say: Say) -> Any:
    """The base model with the method's parameters added, those alone requiring gradients."""
    return cast(Method, settings.method).attach(base, settings, say)
