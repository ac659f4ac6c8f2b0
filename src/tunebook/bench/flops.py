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

from dataclasses import dataclass
from typing import Any

from tunebook.bench.settings import Request


@dataclass(frozen=True)
class Sizes:
    """What of a model counts."""

    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head_width: int
    vocabulary: int
    inner_matrices: int
    encoder_decoder: bool

    @property
    def attention(self) -> int:
        """Width of all heads together."""
        return self.heads * self.head_width

    @property
    def attention_weights(self) -> int:
        """Numbers in the four matrices of one attention."""
        return 2 * self.width * (self.attention + self.key_heads * self.head_width)

    @property
    def inner_weights(self) -> int:
        """Numbers in one feed-forward block."""
        return self.inner_matrices * self.width * self.inner


def sizes_of(config: Any) -> Sizes:
    """The sizes in a transformers configuration."""

    def first(*names: str) -> Any:
        return next((v for n in names if (v := getattr(config, n, None)) is not None), None)

    width, heads = first("hidden_size", "n_embd", "d_model"), first("num_attention_heads", "n_head")
    gated = hasattr(config, "hidden_act") or getattr(config, "is_gated_act", False)
    return Sizes(
        layers=first("num_hidden_layers", "n_layer"),
        width=width,
        inner=first("intermediate_size", "n_inner", "d_ff") or 4 * width,
        heads=heads,
        key_heads=first("num_key_value_heads") or heads,
        head_width=first("head_dim", "d_kv") or width // heads,
        vocabulary=config.vocab_size,
        inner_matrices=3 if gated else 2,
        encoder_decoder=bool(config.is_encoder_decoder),
    )


def step_flops(sizes: Sizes, request: Request, *, ours: bool) -> int:
    """Operations of one training step of this project and of the plain loop, or of stock PEFT."""
    if sizes.encoder_decoder:
        return _encoder_decoder(sizes, request)
    bench, method = request.bench, request.method
    rows, length, virtual = bench.batch, bench.length, bench.virtual
    seen = 0 if method == "lora" else virtual
    positions, pairs = rows * length, rows * (_causal(length) + length * seen)
    if method == "prompt":
        prompts = 1 if ours else rows
        positions, pairs = positions + prompts * virtual, pairs + prompts * _causal(virtual)
    labelled = rows * request.target
    scored = labelled if ours else rows * (length + (virtual if method == "prompt" else 0))
    weights = sizes.layers * (sizes.attention_weights + sizes.inner_weights)
    return _both_ways(sizes, weights * positions, pairs * sizes.layers, scored)


def _encoder_decoder(sizes: Sizes, request: Request) -> int:
    """Prompt in front of the encoder, prefix in the decoder; every target position is labelled."""
    rows, target = request.bench.batch, request.target
    source = request.bench.length - target
    read = source + (request.bench.virtual if request.method == "prompt" else 0)
    seen = request.bench.virtual if request.method == "prefix" else 0
    block = sizes.attention_weights + sizes.inner_weights
    cross = sizes.attention_weights // 2
    products = sizes.layers * rows * (block * (read + target) + cross * (read + target))
    pairs = sizes.layers * rows * (read * read + _causal(target) + target * (seen + read))
    return _both_ways(sizes, products, pairs, rows * target)


def _causal(length: int) -> int:
    return length * (length + 1) // 2


def _both_ways(sizes: Sizes, products: int, pairs: int, scored: int) -> int:
    output = sizes.width * sizes.vocabulary * scored
    return 4 * products + 12 * sizes.attention * pairs + 4 * output
