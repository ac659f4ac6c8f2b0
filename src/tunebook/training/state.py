"""The tensors that a method trains, saved and restored without pickle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

Tensors = dict[str, torch.Tensor]


def trainable(model: Any) -> Tensors:
    """A copy on the CPU of every parameter that requires a gradient, by name."""
    return {
        name: parameter.detach().cpu().clone().contiguous()
        for name, parameter in model.named_parameters()
        if parameter.requires_grad
    }


@torch.no_grad()
def restore(model: Any, tensors: Tensors) -> None:
    """Copy `tensors` into the parameters of those names. Raises KeyError for unknown names."""
    parameters = dict(model.named_parameters())
    for name, value in tensors.items():
        parameters[name].copy_(value)


def save(tensors: Tensors, path: Path) -> None:
    """Write `tensors` as safetensors."""
    save_file(tensors, path)


def load(path: Path) -> Tensors:
    """Read what `save` wrote."""
    return load_file(path)
