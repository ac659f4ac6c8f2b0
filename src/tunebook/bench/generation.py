"""Generating for examples of mixed lengths: this project, a plain loop, stock PEFT."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from tunebook.bench import models
from tunebook.bench.loop import as_prefix
from tunebook.bench.measure import Memory
from tunebook.bench.settings import Request
from tunebook.engine import generate, generation_config, padded
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings

ONE_IN = 10
"""One at a time is measured on one example in ten, and scaled."""
Sources = Sequence[Sequence[int]]


def measure_generation(side: str, request: Request) -> dict[str, Any]:
    """Seconds and texts of "ours", "loop", "stock" (batched) or "alone" (stock, one at a time)."""
    base = models.load_base(request)
    sources = models.sources(request, base)
    chosen = range(0, len(sources), min(ONE_IN, max(1, len(sources) // 20)))
    if side != "alone":
        chosen = range(len(sources))
    decoding = models.settings_for(request).decoding
    model = _model(side, request, base)
    memory = Memory(base.device)
    _texts(side, model, base, sources[:2], decoding)
    started, worked = time.perf_counter(), time.process_time()
    texts = _texts(side, model, base, [sources[i] for i in chosen], decoding)
    seconds, processor = time.perf_counter() - started, time.process_time() - worked
    scale = len(sources) / len(chosen)
    return {
        "seconds": seconds * scale,
        "processor_seconds": processor * scale,
        "matmul": base.matmul,
        "texts": dict(zip(map(str, chosen), texts, strict=True)),
        **memory.measured(),
    }


def _model(side: str, request: Request, base: Base) -> Any:
    if side == "ours":
        return models.our_model(request, base)
    model = models.stock_model(request, base)
    if side == "loop" and request.method == "prompt" and base.facts.family == "decoder-only":
        return as_prefix(model)
    return model


def _texts(
    side: str, model: Any, base: Base, sources: Sources, decoding: DecodingSettings
) -> list[str]:
    if side == "ours":
        return generate(model, base, sources, decoding)
    if side == "loop":
        order = sorted(range(len(sources)), key=lambda i: -len(sources[i]))
        texts = stock_texts(model, base, [sources[i] for i in order], decoding)
        return [text for _, text in sorted(zip(order, texts, strict=True))]
    return stock_texts(model, base, sources, decoding, 1 if side == "alone" else None)


@torch.no_grad()
def stock_texts(
    model: Any,
    base: Base,
    sources: Sources,
    decoding: DecodingSettings,
    batch_size: int | None = None,
) -> list[str]:
    """What `model.generate` of stock PEFT gives for batches in the order of the sources."""
    model.eval()
    config, made = generation_config(base, decoding), []
    left = base.facts.family == "decoder-only"
    size = batch_size or decoding.batch_size
    for start in range(0, len(sources), size):
        rows = sources[start : start + size]
        ids = padded(rows, base.tokenizer.pad_token_id, left=left).to(base.model.device)
        mask = padded([[1] * len(row) for row in rows], 0, left=left).to(base.model.device)
        texts = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)
        made += texts[:, ids.shape[1] if left else 0 :].tolist()
    options = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return [base.tokenizer.decode(ids, **options).strip() for ids in made]
