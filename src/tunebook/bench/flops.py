"""Operations of one training step, counted from the model's sizes.

A product of (m, k) and (k, n) matrices is 2mkn operations. With W numbers in the matrices of all
layers, T positions that go through them, P the pairs of a position and one that it attends to, A
the width of all heads together, and O positions that go through the output layer of width x
vocabulary:

    forward  = 2 W T  +  4 A P layers  +  2 width vocabulary O
    backward = 2 W T  +  8 A P layers  +  2 width vocabulary O

The base is frozen: a matrix takes one product in the backward pass (the gradient of its input), an
attention four. Norms, softmax, the adapter's own matrices and the optimizer are left out, and
nothing is taken off for the first layer, whose input needs no gradient when the prompt is shared.
"""

from __future__ import annotations

from typing import Any

from tunebook.bench.settings import Request


class Sizes:
    """What of a transformers configuration counts."""

    def __init__(self, config: Any) -> None:
        def first(*names: str) -> Any:
            return next((v for n in names if (v := getattr(config, n, None)) is not None), None)

        self.layers = first("num_hidden_layers", "n_layer")
        self.width = first("hidden_size", "n_embd", "d_model")
        self.output = self.width * config.vocab_size
        heads = first("num_attention_heads", "n_head")
        head_width = first("head_dim", "d_kv") or self.width // heads
        key_heads = first("num_key_value_heads") or heads
        self.attention = heads * head_width  # the width of all heads together
        self.attention_weights = 2 * self.width * (self.attention + key_heads * head_width)
        gated = hasattr(config, "hidden_act") or getattr(config, "is_gated_act", False)
        inner = first("intermediate_size", "n_inner", "d_ff") or 4 * self.width
        self.weights = self.attention_weights + (3 if gated else 2) * self.width * inner


def step_flops(config: Any, request: Request, *, ours: bool) -> int:
    """Operations of one training step of this project and of the plain loop, or of stock PEFT."""
    count = _encoder_decoder if config.is_encoder_decoder else _decoder_only
    sizes = Sizes(config)
    products, pairs, scored = count(sizes, request, ours)
    return 4 * products + sizes.layers * 12 * sizes.attention * pairs + 4 * sizes.output * scored


def _decoder_only(sizes: Sizes, request: Request, ours: bool) -> tuple[int, int, int]:
    """(numbers in matrices times positions, pairs of positions in a layer, positions scored)."""
    rows, length, virtual = request.bench.batch, request.bench.length, request.bench.virtual
    seen = 0 if request.method == "lora" else virtual
    positions, pairs = rows * length, rows * (_causal(length) + length * seen)
    scored = request.target if ours else length
    if request.method == "prompt":
        prompts = 1 if ours else rows
        positions, pairs = positions + prompts * virtual, pairs + prompts * _causal(virtual)
        scored += 0 if ours else virtual
    return sizes.layers * sizes.weights * positions, pairs, rows * scored


def _encoder_decoder(sizes: Sizes, request: Request, ours: bool) -> tuple[int, int, int]:
    """Prompt in front of the encoder, prefix in the decoder; every target position is labelled."""
    rows, target, virtual = request.bench.batch, request.target, request.bench.virtual
    read = request.bench.length - target + (virtual if request.method == "prompt" else 0)
    seen = virtual if request.method == "prefix" else 0
    weights = sizes.weights + sizes.attention_weights // 2  # half of a cross-attention reads each
    pairs = read * read + _causal(target) + target * (seen + read)
    return sizes.layers * rows * weights * (read + target), rows * pairs, rows * target


def _causal(length: int) -> int:
    return length * (length + 1) // 2
