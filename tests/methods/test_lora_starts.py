"""Starts of LoRA that take numbers out of the base, and LoRA on the output layer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes import compose
from tests.correctness.test_every_family import rows_for
from tunebook.errors import RequestError
from tunebook.settings import resolve


def saved_and_read_again(folder: Path, words: list[str], saved: Path) -> tuple[object, object]:
    """Logits of a model after two steps, and of stock PEFT on the untouched base."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from tunebook import methods
    from tunebook.engine import load
    from tunebook.pipeline import steps
    from tunebook.pipeline.saving import save_adapter
    from tunebook.training import Collator, TokenLoss

    resolved = resolve(
        compose("task=translate", "method=lora", f"model.path={folder}", "method.r=4",
                "model.device=cpu", *words)
    )  # fmt: skip
    base = load(resolved.settings.model, resolved.facts, lambda _: None)
    steps.check_method(base, resolved.settings)
    torch.manual_seed(0)
    model = methods.attach(base, resolved.settings, lambda _: None)
    batch = Collator(base)(rows_for("llama")[1:2])
    labels, wanted = batch.pop("labels"), batch.pop("wanted")
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        TokenLoss(decoder_only=True)(model(**batch, wanted=wanted), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
    save_adapter(saved, model.eval(), base)
    untouched = AutoModelForCausalLM.from_pretrained(folder)
    stock = PeftModel.from_pretrained(untouched, saved / "adapter").eval()
    with torch.no_grad():
        return model(**batch).logits, stock(**batch).logits


@pytest.mark.parametrize(
    "word",
    [
        "method.target_modules=[q_proj,lm_head]",
        "method.peft.init_lora_weights=pissa",
        "method.peft.init_lora_weights=pissa_niter_4",
        "method.peft.init_lora_weights=olora",
        "method.peft.init_lora_weights=mica",
    ],
)
def test_stock_peft_on_the_untouched_base_gives_the_same_logits(
    word: str, small_model: Callable[..., Path], tmp_path: Path
) -> None:
    ours, theirs = saved_and_read_again(small_model("llama"), [word], tmp_path)
    assert (ours - theirs).norm() <= 1e-4 * theirs.norm()  # type: ignore[operator]


def test_a_start_that_is_none_is_refused_before_the_run(
    small_model: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match="PEFT refuses"):
        saved_and_read_again(
            small_model("llama"), ["method.peft.init_lora_weights=pizza"], tmp_path
        )
