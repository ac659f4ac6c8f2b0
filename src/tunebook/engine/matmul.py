"""Which library multiplies float32 matrices on a CPU.

torch leaves them to MKL, which on AMD's processors makes no use of AVX-512. oneDNN, which torch
brings along for other things, does: a product of (1024, 384) and (384, 1024) on one core of an AMD
EPYC runs at 239 instead of 101 · 10⁹ operations a second. The numbers are the same but for the
order in which they are summed.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from tunebook.engine.plain import left_out

TORCH, ONEDNN = "torch", "onednn"
NEAR = 1e-4
"""How far a product may be from torch's own, relative to its size, in float32."""

KERNEL_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
"""What oneDNN, and torch around it, read when they first multiply."""
KERNELS = "32"
"""Kernels that are kept, one for each shape, at 0.6 MB. The 1,024 of oneDNN fill up with the shapes
of batches: 0.4 GB after 100 steps of tiny_t5, to save 7 % of their time."""


def choose_matmul(asked: str | None, device: str, dtype: str) -> tuple[str, str]:
    """`torch` or `onednn`, and why. The same on one machine every time: nothing is timed."""
    if device != "cpu" or dtype != "float32":
        return TORCH, f"{dtype} on {device}"
    if asked == TORCH or left_out("matmul"):
        return TORCH, "as asked"
    if reason := why_no_onednn():
        return TORCH, reason
    if asked == ONEDNN:
        return ONEDNN, "as asked"
    if is_slow_with_mkl():
        return ONEDNN, "MKL leaves the AVX-512 of AMD's processors unused"
    return TORCH, "as fast here as any"


def is_slow_with_mkl() -> bool:
    """Whether torch multiplies with MKL on a processor of AMD that has AVX-512."""
    has_avx512 = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    return has_avx512 and torch.backends.mkl.is_available() and "AuthenticAMD" in _vendor()


def _vendor() -> str:
    cpuinfo = Path("/proc/cpuinfo")  # Linux; elsewhere the name of the processor holds the vendor
    return cpuinfo.read_text() if cpuinfo.is_file() else platform.processor()


def why_no_onednn() -> str:
    """Why oneDNN cannot be used; empty where a small product with its gradients comes out right."""
    if not torch.backends.mkldnn.is_available():
        return "this torch has no oneDNN"
    for cache in KERNEL_CACHES:
        os.environ.setdefault(cache, KERNELS)
    draw = torch.Generator().manual_seed(0)
    rows, weight = (torch.randn(5, 7, 16, generator=draw), torch.randn(9, 16, generator=draw))
    try:
        found = _with_gradients(_Product.apply, rows, weight)
    except (AttributeError, RuntimeError) as error:
        return f"its product in oneDNN failed: {str(error).strip().splitlines()[0]}"
    wanted = _with_gradients(functional.linear, rows, weight)
    near = all(torch.allclose(a, b, NEAR, NEAR) for a, b in zip(found, wanted, strict=True))
    return "" if near else "its product in oneDNN is not that of torch"


def _with_gradients(product: Any, *tensors: torch.Tensor) -> list[torch.Tensor]:
    """A product with a bias, and the gradients of the square of all its elements."""
    leaves = [one.clone().requires_grad_() for one in (*tensors, torch.ones(len(tensors[1])))]
    with torch.enable_grad():
        found = product(*leaves)
        (found**2).sum().backward()
    return [found.detach(), *(one.grad for one in leaves if one.grad is not None)]


def use_onednn(model: torch.nn.Module) -> None:
    """Let every linear layer of `model`, and every Conv1D of GPT-2, multiply with oneDNN."""
    for module in model.modules():
        if type(module) in OURS:
            module.__class__ = OURS[type(module)]


class OneDnnLinear(torch.nn.Linear):
    """A linear layer that oneDNN multiplies; named, saved and wrapped by PEFT as torch's own."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """As Linear: (..., in) to (..., out)."""
        return _product(input, self.weight, self.bias)


class OneDnnConv1D(Conv1D):
    """The same for GPT-2's layers, whose weight is (in, out)."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """As Conv1D: (..., in) to (..., out)."""
        return _product(x, self.weight.t(), self.bias)


OURS: dict[type, type] = {torch.nn.Linear: OneDnnLinear, Conv1D: OneDnnConv1D}


def _product(rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    is_ours = rows.device.type == "cpu" and rows.dtype == torch.float32
    if not is_ours or rows.dim() < 2 or rows.numel() == 0:
        return functional.linear(rows, weight, bias)
    product: torch.Tensor = _Product.apply(rows, weight, bias)
    return product


def _multiplied(
    rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None
) -> torch.Tensor:
    """rows (..., in) times the transposed weight (out, in), plus a bias (out,)."""
    product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
    return product


class _Product(torch.autograd.Function):
    """torch.nn.functional.linear."""

    @staticmethod
    def forward(
        ctx: Any, rows: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None
    ) -> torch.Tensor:
        ctx.save_for_backward(rows if ctx.needs_input_grad[1] else None, weight)
        return _multiplied(rows, weight, bias)

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        flat = grad.flatten(0, -2)
        return (
            _multiplied(grad, weight.t()) if of_rows else None,
            _multiplied(flat.t(), rows.flatten(0, -2).t()) if of_weight else None,
            flat.sum(dim=0) if of_bias else None,
        )
