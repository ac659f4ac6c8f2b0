"""The counted operations are those that torch counts while a step runs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tunebook.bench import models
from tunebook.bench.flops import step_flops
from tunebook.bench.models import our_model, stock_model
from tunebook.bench.settings import read_request
from tunebook.training import Collator, TokenLoss


def counted(side: str, request: Any) -> int:
    """Operations of one step, by torch."""
    base = models.load_base(request)
    base.model.set_attn_implementation("eager")  # torch counts no operations of others on a CPU
    rows = models.training_rows(request, base)
    batch = Collator(base)([rows[i] for i in range(request.bench.batch)])
    labels = batch.pop("labels")
    if side == "stock":
        del batch["wanted"]
    model = (our_model if side == "ours" else stock_model)(request, base)
    with FlopCounterMode(display=False) as counter:
        loss = TokenLoss(base.facts.family == "decoder-only")(model(**batch), labels)
        torch.autograd.backward(loss)
    return counter.get_total_flops()


@pytest.mark.parametrize("side", ["ours", "stock"])
@pytest.mark.parametrize("shape", ["tiny_llama", "tiny_t5"])
def test_prompt_step(shape: str, side: str) -> None:
    request = read_request([f"bench.shape={shape}", "bench.virtual=4", "bench.length=8",
                            "bench.batch=8", "bench.device=cpu",
                            "bench.matmul=torch"])  # fmt: skip  # torch counts its own products
    config = models.load_base(request).model.config
    expected = step_flops(config, request, ours=side == "ours")
    # The formula counts the first of two layers whole, and of attention the causal half.
    assert counted(side, request) == pytest.approx(expected, rel=0.08)


def test_sharing_the_prompt_saves_what_it_should() -> None:
    """6 x 384, 100 virtual tokens, 16 rows of 64 tokens: 2,624 positions become 1,124."""
    request = read_request(["bench.shape=bench6x384"])
    config = models.load_base(read_request(["bench.shape=bench6x384"])).model.config
    stock, ours = (step_flops(config, request, ours=side) for side in (False, True))
    assert 2.6 < stock / ours < 3
