"""Any text family of transformers with any method: the same answers at every batch size, and the
same logits from stock PEFT; or one clear refusal before anything is trained."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from recipes import compose
from tests.correctness.conftest import METHODS, WITH_VIRTUAL_TOKENS
from tests.small_models import DECODER_ONLY, ENCODER_DECODER
from tunebook.errors import RequestError
from tunebook.settings import Settings, resolve

SHOWN = (
    ("mistral", "prefix"),
    ("gpt_neo", "prompt"),
    ("rwkv", "zero_shot"),
    ("mpt", "prefix"),
    ("m2m_100", "lora"),
    ("t5gemma", "prompt"),
    ("falcon_h1", "prompt"),
)
REFUSED = (
    ("pegasus", "prompt", "reads the vectors of a text otherwise than its ids"),
    ("gemma4_text", "prompt", "cannot stand behind learned vectors"),
    ("qwen3_next", "prefix", "needs keys and values in every layer"),
    ("lfm2", "prefix", "needs keys and values in every layer"),
)
LENGTHS = ((3, 2), (12, 4), (7, 3), (20, 5), (5, 2))
"""Tokens of each row's source and target; windows are 8 wide."""


class Rows(list[dict[str, list[int]]]):
    def lengths(self) -> list[int]:
        return [len(row["source"]) + len(row["target"]) for row in self]


def rows_for(family: str) -> Rows:
    import torch

    draw, end = torch.Generator().manual_seed(1), [1] * (family in ENCODER_DECODER)
    words = [
        [torch.randint(10, 300, (length,), generator=draw).tolist() for length in pair]
        for pair in LENGTHS
    ]
    return Rows({"source": [*source, *end], "target": [*target, *end]} for source, target in words)


@cache
def _settings(method: str) -> Settings:
    virtual = ["method.num_virtual_tokens=4"] if method in WITH_VIRTUAL_TOKENS else []
    return compose(
        "task=translate", f"method={method}", "decoding.max_new_tokens=6", "model.device=cpu",
        "model.dtype=float32", *virtual,
    )  # fmt: skip


def trained(folder: Path, family: str, method: str) -> tuple[Any, Any, Settings]:
    """Base, model and settings after two steps; raises RequestError where a run would."""
    import torch

    from tunebook import methods
    from tunebook.engine import load
    from tunebook.pipeline import steps
    from tunebook.training import Collator, TokenLoss

    asked = copy.deepcopy(_settings(method))
    asked.model.path = str(folder)
    resolved = resolve(asked)
    settings = resolved.settings
    base = load(settings.model, resolved.facts, lambda _: None)
    steps.check_method(base, settings)
    torch.manual_seed(0)
    model = methods.attach(base, settings, lambda _: None).train()
    if settings.method.trains:
        rows, loss = rows_for(family), TokenLoss(base.facts.family == "decoder-only")
        learned = [one for one in model.parameters() if one.requires_grad]
        optimizer = torch.optim.SGD(learned, lr=0.05)
        for some in (rows[:3], rows[2:]):
            batch = Collator(base)(some)
            labels = batch.pop("labels")
            loss(model(**batch), labels).backward()
            optimizer.step()
            optimizer.zero_grad()
    return base, model.eval(), settings


def check_the_same_everywhere(folder: Path, family: str, method: str, saved: Path) -> None:
    from tunebook.engine import generate
    from tunebook.training import Collator, mean_loss

    base, model, settings = trained(folder, family, method)
    rows = rows_for(family)
    sources = [row["source"] for row in rows]
    texts, losses = {}, {}
    for size in (1, 3, 32):
        losses[size] = mean_loss(model, rows, Collator(base), size)
        texts[size] = generate(model, base, sources, replace(settings.decoding, batch_size=size))
    assert texts[1] == texts[3] == texts[32]
    assert losses[1] == pytest.approx(losses[3], rel=1e-5)
    assert losses[1] == pytest.approx(losses[32], rel=1e-5)
    if settings.method.trains and not settings.method.trains_base:
        check_stock_peft(folder, family, model, base, saved)


def check_stock_peft(folder: Path, family: str, model: Any, base: Any, saved: Path) -> None:
    """The saved adapter on the untouched base, one row without padding."""
    import torch
    import transformers
    from peft import PeftModel

    from tunebook.pipeline.saving import save_adapter
    from tunebook.training import Collator

    save_adapter(saved, model, base)
    encodes = family in ENCODER_DECODER
    auto = "AutoModelForSeq2SeqLM" if encodes else "AutoModelForCausalLM"
    untouched = getattr(transformers, auto).from_pretrained(folder)
    stock = PeftModel.from_pretrained(untouched, saved / "adapter").eval()
    batch = Collator(base)(rows_for(family)[3:4])
    wanted = batch.pop("wanted")
    del batch["labels"]
    with torch.no_grad():
        ours = model(**batch, wanted=wanted).logits
        theirs = stock(**batch).logits[:, -wanted.shape[1] :][wanted]
    assert (ours - theirs).norm() <= 1e-4 * theirs.norm()


@pytest.mark.parametrize(("family", "method"), SHOWN)
def test_some_are_the_same_at_every_batch_size(
    family: str, method: str, small_model: Callable[..., Path], tmp_path: Path
) -> None:
    check_the_same_everywhere(small_model(family), family, method, tmp_path)


@pytest.mark.parametrize(("family", "method", "words"), REFUSED)
def test_what_cannot_work_is_refused_before_the_run(
    family: str, method: str, words: str, small_model: Callable[..., Path]
) -> None:
    with pytest.raises(RequestError, match=words) as refusal:
        trained(small_model(family), family, method)
    assert len(str(refusal.value).splitlines()) <= 2


def _methods_of(number: int) -> tuple[str, ...]:
    """Vectors and prefixes, where most goes wrong, and one of the others in turn."""
    others = ["zero_shot", *(name for name in METHODS if name not in ("prompt", "prefix"))]
    return ("prompt", "prefix", others[number % len(others)])


@pytest.mark.fuzz
@pytest.mark.parametrize(
    ("family", "method"),
    [
        (family, method)
        for number, family in enumerate((*DECODER_ONLY, *ENCODER_DECODER))
        for method in _methods_of(number)
    ],
)
def test_every_family_is_the_same_or_refused(
    family: str, method: str, small_model: Callable[..., Path], tmp_path: Path
) -> None:
    refused = ""
    try:
        check_the_same_everywhere(small_model(family), family, method, tmp_path)
    except RequestError as refusal:
        refused = str(refusal)
    assert len(refused.splitlines()) <= 2
    assert not (refused and method == "zero_shot")
