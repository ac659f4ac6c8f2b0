"""All sides do the same work: equal losses and gradients, and texts equal to one row at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tunebook.bench import loop, models
from tunebook.bench.generation import measure_generation
from tunebook.bench.models import our_model, stock_model
from tunebook.bench.report import changed
from tunebook.bench.settings import Request, read_request
from tunebook.bench.training import _features, train
from tunebook.text import EncodedRows
from tunebook.training.collator import Collator
from tunebook.training.loss import TokenLoss

SMALL = ["bench.virtual=6", "bench.length=16", "bench.batch=4", "bench.steps=2", "bench.warmup=1",
         "bench.device=cpu", "bench.examples=24", "bench.new_tokens=6",
         "bench.decoding_batch=8"]  # fmt: skip


def request(shape: str, method: str) -> Request:
    return read_request([*SMALL, f"bench.shape={shape}", f"method={method}"])


@pytest.mark.sample("tiny_llama-prompt")
@pytest.mark.parametrize(
    ("shape", "method"),
    [("tiny_llama", "prompt"), ("tiny_llama", "prefix"), ("tiny_llama", "lora"),
     ("tiny_t5", "prompt")],
)  # fmt: skip
def test_the_same_loss_from_all_sides(shape: str, method: str) -> None:
    asked = request(shape, method)
    ours, loop, stock, bare = (train(side, asked) for side in ("ours", "loop", "stock", "bare"))
    assert len(ours["step_seconds"]) == len(stock["step_seconds"]) == 2
    assert ours["loss"] == pytest.approx(stock["loss"], rel=1e-4)
    assert ours["loss"] == pytest.approx(loop["loss"], rel=1e-4)
    assert bare["loss"] == pytest.approx(ours["loss"], rel=1e-2)
    assert ours["peak_bytes"] >= ours["baseline_bytes"] > 0


@pytest.mark.parametrize("method", ["prompt", "prefix", "lora"])
@pytest.mark.parametrize("shape", ["tiny_llama", "tiny_t5"])
def test_rows_of_mixed_lengths_have_the_same_loss_and_gradient(shape: str, method: str) -> None:
    asked, rows = request(shape, method), EncodedRows()
    ours, theirs = (models.load_base(asked) for _ in range(2))
    for number, lengths in enumerate([(5, 3), (9, 2), (3, 7)]):
        source, target = (models.tokens(ours, n, 10 * number + n) for n in lengths)
        rows.sources.append(source)
        rows.targets.append(target)
        rows.rows.append(number)
    decoder_only = shape == "tiny_llama"
    sides = our_model(asked, ours), stock_model(asked, theirs)
    batch = Collator(ours)([rows[i] for i in range(3)])
    labels = batch.pop("labels")
    ours_loss = TokenLoss(decoder_only)(sides[0](**batch), labels)
    features = [_features(rows[i], decoder_only) for i in range(3)]
    loop_loss = loop.loss_of(sides[1], loop.batch_of(features, "cpu"),
                             shares_prompt=decoder_only and method == "prompt")  # fmt: skip
    assert loop_loss.item() == pytest.approx(ours_loss.item(), rel=1e-5)
    wanted, found = (_gradient(*pair)
                     for pair in zip(sides, (ours_loss, loop_loss), strict=True))  # fmt: skip
    assert len(wanted) <= len(found)  # stock PEFT gives a T5's decoder a prompt that goes nowhere
    assert (found[: len(wanted)] - wanted).abs().max() < 1e-5 * wanted.abs().max()
    assert not found[len(wanted) :].any()


def _gradient(model: Any, loss: Any) -> torch.Tensor:
    loss.backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    return torch.cat([p.grad.flatten() for p in trained])


@pytest.mark.sample("tiny_llama-prompt")
@pytest.mark.parametrize(
    ("shape", "method"),
    [("tiny_llama", "prompt"), ("tiny_llama", "prefix"), ("tiny_llama", "lora"),
     ("tiny_t5", "prompt")],
)  # fmt: skip
def test_the_plain_loop_and_ours_generate_what_each_row_gives_alone(
    shape: str, method: str
) -> None:
    asked = request(shape, method)
    ours, loop_, alone = (measure_generation(side, asked)["texts"]
                          for side in ("ours", "loop", "alone"))  # fmt: skip
    assert loop_ == ours
    assert {number: ours[number] for number in alone} == alone


def test_soft_prompts_change_in_stock_batches_and_not_in_ours() -> None:
    asked = request("tiny_llama", "prompt")
    results: dict[str, list[Any]] = {
        side: [measure_generation(side, asked)] for side in ("ours", "stock", "alone")
    }
    assert changed(results, "ours") == 0
    assert changed(results, "stock") > 0.2
