"""A base model kept from one run to the next, so that a sweep loads each base once.

    with keeping.one_base():
        for settings in several:
            tunebook.run(settings)

Outside of that nothing is kept. Each run gets modules of its own around the kept weights, so that
whatever a method wraps, replaces or hooks is gone with the run; the weights themselves are compared
with what was loaded, bit by bit in sum, before they are used again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.schema import ModelSettings

Load = Callable[[], "Base"]
INTEGERS = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}


@dataclass
class Kept:
    """The last base that was loaded, bare, and the sums of its weights."""

    key: str = ""
    base: Base | None = None
    sums: tuple[int, ...] = ()

    def forget(self) -> None:
        """Give the memory back."""
        self.key, self.base, self.sums = "", None, ()


_kept: Kept | None = None


@contextmanager
def one_base() -> Iterator[None]:
    """Keep the last base model that runs inside load; forget it at the end."""
    global _kept
    outer, _kept = _kept, Kept()
    try:
        yield
    finally:
        _kept = outer


def keep_until_the_end() -> None:
    """Keep the last base model until this process ends: for workers that are given run by run."""
    global _kept
    _kept = _kept or Kept()


def what_is_loaded(model: ModelSettings) -> tuple[str | None, ...]:
    """The settings that a loaded base depends on: two runs of one base agree in all of them."""
    how = (model.dtype, model.device, model.quantization, model.attention)
    return (model.path, model.revision, *how)


def bare_base(key: str, load: Load, *, weights_are_trained: bool) -> Base:
    """The bare base model `key`: the kept one where there is one, else what `load` gives.

    Args:
        key: the same for the same weights in the same format on the same device.
        load: loads the base; the one that is kept is given up before.
        weights_are_trained: the caller will change the weights, so that they cannot be kept.
    """
    if _kept is None:
        return load()
    base = _usable(_kept, key)
    if base is None:
        _kept.forget()
        base = load()
    if weights_are_trained:
        _kept.forget()
        return base
    if _kept.base is None:
        _kept.key, _kept.base, _kept.sums = key, base, sums_of(base.model)
    return replace(base, model=with_own_modules(base.model))


def _usable(kept: Kept, key: str) -> Base | None:
    if kept.base is None or kept.key != key or sums_of(kept.base.model) != kept.sums:
        return None
    return kept.base


def with_own_modules(model: Any) -> Any:
    """A copy of `model` that shares its parameters, frozen, and nothing else."""
    shared: dict[int, Any] = {id(one): one for one in model.parameters()}
    for one in shared.values():
        one.grad = None
    return copy.deepcopy(model, shared).requires_grad_(False)


def sums_of(model: Any) -> tuple[int, ...]:
    """One number a parameter: the sum of its bits read as whole numbers."""
    import torch

    found = [
        one.detach().contiguous().view(getattr(torch, INTEGERS[one.element_size()])).sum()
        for one in model.parameters()
    ]
    return tuple(torch.stack(found).tolist()) if found else ()
