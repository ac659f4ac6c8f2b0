"""The same model and the same data for both sides of a measurement."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import torch

from tunebook.bench.settings import Request, model_path
from tunebook.bench.shapes import SHAPES
from tunebook.models.base import Base
from tunebook.models.facts import ModelFacts, facts_of
from tunebook.schema import ModelSettings
from tunebook.text import EncodedRows

FIRST = 3
"""Ids below are padding, start and end."""
ENDS = 0.03
"""A random model ends a text at any of this share of its vocabulary, so that, as in life, some rows
of a batch are done early."""


class NumberTokenizer:
    """For random weights: a token's text is its number."""

    pad_token_id, eos_token_id, all_special_ids = 0, 2, (0, 1, 2)

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def __len__(self) -> int:
        return self.vocabulary

    def decode(self, ids: list[int], **_: Any) -> str:
        """The numbers, special ones left out."""
        return " ".join(str(i) for i in ids if i >= FIRST)


def load_base(request: Request) -> Base:
    """The frozen model on its device: real weights, or random ones of a shape."""
    device, dtype = place(request)
    if request.model is None:
        return _random_base(request.bench.shape, device, dtype)
    return _real_base(model_path(request.model), device, dtype)


def place(request: Request) -> tuple[str, str]:
    """(device, number format)."""
    device = request.bench.device or ("cuda" if torch.cuda.is_available() else "cpu")
    return device, request.bench.dtype or ("bfloat16" if device == "cuda" else "float32")


def _real_base(path: str, device: str, dtype: str) -> Base:
    from tunebook.models.base import load

    settings = ModelSettings(name=path, path=path, device=device, dtype=dtype, matmul="torch")
    return load(settings, facts_of(settings), lambda _: None)


def _random_base(shape: str, device: str, dtype: str) -> Base:
    import transformers

    numbers = dict(SHAPES[shape])
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0}
    config = transformers.AutoConfig.for_model(numbers.pop("model_type"), **numbers, **ids)
    seq2seq = config.is_encoder_decoder
    auto: Any = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    with torch.device(device):
        model = auto.from_config(config, dtype=getattr(torch, dtype))
    model = model.eval().requires_grad_(False)
    _spread_out(model)
    ends = random.Random(0).sample(range(FIRST, config.vocab_size), int(ENDS * config.vocab_size))
    model.generation_config.eos_token_id = sorted([2, *ends])
    return Base(model, NumberTokenizer(config.vocab_size), _facts(shape, config), device, dtype)


@torch.no_grad()
def _spread_out(model: Any) -> None:
    """Weights with which a text depends on all that stands before it, and wanders."""
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and not isinstance(module, torch.nn.Embedding):
            weight.normal_(0, 1.5 / math.sqrt(min(weight.shape)))


def _facts(shape: str, config: Any) -> ModelFacts:
    return ModelFacts(
        path=shape, folder=None, config=Path("config.json"),
        family="encoder-decoder" if config.is_encoder_decoder else "decoder-only",
        model_type=config.model_type, architecture=shape, context=None, decoder_context=None,
        hidden=None, layers=None, heads=None, kv_heads=None, vocabulary=config.vocab_size,
        sliding_window=None, quantized=None, parameters=None,
    )  # fmt: skip


def training_rows(request: Request, base: Base) -> EncodedRows:
    """Random rows of one length, for all steps of a process; the same every time."""
    bench, rows = request.bench, EncodedRows()
    for number in range(bench.batch * (bench.warmup + bench.steps)):
        ids = _tokens(base, bench.length, number)
        split = bench.length - request.target
        rows.sources.append(ids[:split])
        rows.targets.append(ids[split:])
        rows.rows.append(number)
    return rows


def sources(request: Request, base: Base) -> list[list[int]]:
    """Sources to generate for: lengths drawn evenly from length / 4 to 2 length."""
    bench, draw = request.bench, random.Random(1)
    lengths = [draw.randint(bench.length // 4, 2 * bench.length) for _ in range(bench.examples)]
    return [_tokens(base, length, number) for number, length in enumerate(lengths)]


def _tokens(base: Base, count: int, seed: int) -> list[int]:
    draw, top = random.Random(seed), int(base.facts.vocabulary or len(base.tokenizer))
    return [draw.randrange(FIRST, top) for _ in range(count)]


@torch.no_grad()
def start_alike(model: Any) -> None:
    """The same first values on both sides; what starts at zero stays there."""
    draw = torch.Generator().manual_seed(0)
    for _, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad and bool(parameter.any()):
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.1)
