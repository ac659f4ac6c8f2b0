"""Whether what a method learns fits into memory, told before any of it is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem
from tunebook.models.device import memory_of

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.schema import MethodSettings

BYTES = 8
"""A number in float32 and its gradient; what optimizers and activations need comes on top."""
GIGA = 1e9


def too_large(base: Base, method: MethodSettings, learned: int) -> list[Problem]:
    """A problem where `learned` numbers, or the attention among virtual tokens, never fit."""
    room = memory_of(base.device)
    for needed, whose in (
        (learned * BYTES, f"{learned:,} learned numbers with their gradients take"),
        (_attention(base, method), "the attention among the virtual tokens takes"),
    ):
        if needed > room:
            what = f"{whose} {needed / GIGA:,.0f} GB; there are {room / GIGA:,.0f} GB here"
            return [_problem(method, what)]
    return []


def _attention(base: Base, method: MethodSettings) -> int:
    """Bytes of one layer's scores of a prompt with itself, where no context limits its length."""
    if base.facts.context is not None or not method.is_soft_prompt:
        return 0
    return 4 * (base.facts.heads or 0) * method.virtual_tokens**2


def _problem(method: MethodSettings, what: str) -> Problem:
    """It names the setting that memory grows with: the largest of those that the method has."""
    sizes: dict[str, Any] = {name: getattr(method, name) or 0 for name in method.grows_with}
    if not sizes:
        return Problem("method", what, "Choose another one, such as method=lora.")
    key = max(sizes, key=lambda name: sizes[name])
    return Problem(f"method.{key}", f"is {sizes[key]:,}: {what}", "Lower it.")
