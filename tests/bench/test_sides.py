"""Both sides do the same work: equal losses, and texts equal to those of one row at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tunebook.bench.compare import changed
from tunebook.bench.generation import measure_generation
from tunebook.bench.settings import Request, read_request
from tunebook.bench.training import train

SMALL = ["bench.virtual=6", "bench.length=16", "bench.batch=4", "bench.steps=2", "bench.warmup=1",
         "bench.device=cpu", "bench.examples=24", "bench.new_tokens=6",
         "bench.decoding_batch=8"]  # fmt: skip


def request(shape: str, method: str) -> Request:
    return read_request([*SMALL, f"bench.shape={shape}", f"method={method}"])


@pytest.mark.parametrize(
    ("shape", "method"),
    [("tiny_llama", "prompt"), ("tiny_llama", "prefix"), ("tiny_llama", "lora"),
     ("tiny_t5", "prompt")],
)  # fmt: skip
def test_the_same_loss_from_all_sides(shape: str, method: str) -> None:
    ours, stock, bare = (train(side, request(shape, method)) for side in ("ours", "stock", "bare"))
    assert len(ours["step_seconds"]) == len(stock["step_seconds"]) == 2
    assert ours["loss"] == pytest.approx(stock["loss"], rel=1e-4)
    assert bare["loss"] == pytest.approx(ours["loss"], rel=1e-2)
    assert ours["peak_bytes"] >= ours["baseline_bytes"] > 0


def test_soft_prompts_change_in_stock_batches_and_not_in_ours() -> None:
    asked = request("tiny_llama", "prompt")
    results: dict[str, list[Any]] = {
        side: [measure_generation(side, asked)] for side in ("ours", "stock", "alone")
    }
    assert changed(results, "ours") == 0
    assert changed(results, "stock") > 0.2
