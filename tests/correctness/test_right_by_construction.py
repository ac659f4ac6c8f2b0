"""What holds for every method on both families: padding, reload, freezing, counts, bare base."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.correctness.conftest import FAMILIES, METHODS, TrainedModel
from tunebook.engine import generate
from tunebook.engine.matmul import OURS
from tunebook.training import Collator, TokenLoss
from tunebook.training.state import trainable

every = pytest.mark.parametrize("family", FAMILIES)
Get = Callable[[str, str], TrainedModel]

TEXTS = [
    "At the mill, Anna sold three blue lamps to Paul.",
    "The sun was shining. It was Bruno who carried nine boats to Clara near the church because the "
    "river was rising. Bruno is a painter. Nobody was in a hurry.",
    "Clara danced.",
    "On Monday, Victor painted twelve chairs in the attic. They were for Emma. Nobody saw it.",
    "é中文🙂 out of every vocabulary",
]


def source_ids(one: TrainedModel) -> list[list[int]]:
    """The test texts as the model gets them, of different lengths."""
    separator = "\n" if one.is_decoder_only else ""
    return one.base.tokenizer([text + separator for text in TEXTS])["input_ids"]


@every
@pytest.mark.parametrize("beams", [1, 3])
@pytest.mark.parametrize("method", METHODS)
def test_padding_never_changes_an_answer(
    trained: Get, method: str, family: str, beams: int
) -> None:
    one = trained(method, family)
    decoding = one.settings.decoding
    decoding.num_beams = beams
    sources = source_ids(one)
    try:
        together = generate(one.model, one.base, sources, decoding)
        alone = [generate(one.model, one.base, [source], decoding)[0] for source in sources]
    finally:
        decoding.num_beams = 1
    assert together == alone
    assert len(set(alone)) > 1, "the answers must depend on the input, or the test shows nothing"


@every
@pytest.mark.parametrize("method", METHODS)
def test_decoding_equals_stock_decoding_of_one_row(trained: Get, method: str, family: str) -> None:
    one = trained(method, family)
    ours = generate(one.model, one.base, source_ids(one), one.settings.decoding)
    for source, text in zip(source_ids(one), ours, strict=True):
        ids = torch.tensor([source])
        made = one.model.generate(
            input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False,
            eos_token_id=1, pad_token_id=0,
        )  # fmt: skip
        new = made[0].tolist()
        new = new[len(source) :] if new[: len(source)] == source else new
        assert one.base.tokenizer.decode(new, skip_special_tokens=True).strip() == text


STOCK = """
import json, sys, torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM
for asked in sys.stdin:
    base, adapter, is_decoder_only, inputs, answer = json.loads(asked)
    auto = AutoModelForCausalLM if is_decoder_only else AutoModelForSeq2SeqLM
    if adapter.endswith("model"):
        model = auto.from_pretrained(adapter)
    else:
        model = PeftModel.from_pretrained(auto.from_pretrained(base), adapter)
    model.eval()
    with torch.no_grad():
        logits = model(**{k: torch.tensor(v) for k, v in inputs.items()}).logits
    assert not any(name.startswith("tunebook") for name in sys.modules)
    torch.save(logits, answer)
    print("saved", flush=True)
"""


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., torch.Tensor]]:
    """Logits of an adapter in a process that never imports tunebook; one serves every adapter."""
    folder = tmp_path_factory.mktemp("stock")
    with subprocess.Popen([sys.executable, "-c", STOCK], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, cwd=folder, text=True) as process:  # fmt: skip

        def logits(
            base: Path, adapter: Path, is_decoder_only: bool, inputs: dict[str, Any]
        ) -> torch.Tensor:
            answer = folder / f"{adapter.parent.name}.pt"
            asked = json.dumps([str(base), str(adapter), is_decoder_only, inputs, str(answer)])
            process.stdin.write(f"{asked}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "saved\n"
            return torch.load(answer, weights_only=True)

        yield logits
        process.stdin.close()


@contextmanager
def torchs_own_products(model: Any) -> Iterator[None]:
    """Bits can only be those of another process if the same library multiplies the matrices."""
    theirs = {ours: torchs for torchs, ours in OURS.items()}
    changed = [(one, type(one)) for one in model.modules() if type(one) in theirs]
    for module, ours in changed:
        module.__class__ = theirs[ours]
    yield
    for module, ours in changed:
        module.__class__ = ours


@every
@pytest.mark.parametrize("method", METHODS)
def test_stock_peft_loads_the_adapter_to_the_same_logits(
    trained: Get, stock: Callable[..., torch.Tensor], method: str, family: str
) -> None:
    one = trained(method, family)
    inputs = {"input_ids": [source_ids(one)[1]]}
    if not one.is_decoder_only:
        inputs["decoder_input_ids"] = [[0, 5, 9, 17]]
    saved = one.folder / (one.settings.method.weights_folder or "")
    given = {k: torch.tensor(v) for k, v in inputs.items()}
    with torch.no_grad():
        faster = one.model(**given).logits
        with torchs_own_products(one.model):
            ours = one.model(**given).logits
    theirs = stock(one.base.facts.folder, saved, one.is_decoder_only, inputs)
    assert torch.allclose(ours, faster, rtol=1e-4, atol=1e-4)
    if one.settings.method.is_soft_prompt and one.is_decoder_only:
        # Ours are the text's alone, by another path.
        assert torch.allclose(theirs[:, -ours.shape[1] :], ours, rtol=1e-4, atol=1e-4)
    else:
        assert torch.equal(theirs, ours)
    assert not list(saved.rglob("*.bin"))
    assert not list(saved.rglob("*.pt"))


@every
@pytest.mark.parametrize("method", METHODS)
def test_only_what_the_method_trains_changes(trained: Get, method: str, family: str) -> None:
    from tunebook.pipeline import steps

    one = trained(method, family)
    fresh = steps.untried_base(one.plan).model.state_dict()
    trains_base = one.settings.method.trains_base
    base = one.model if trains_base else one.model.get_base_model()
    now = {name.replace("base_layer.", ""): value for name, value in base.state_dict().items()}
    assert fresh.keys() <= now.keys()
    changed = {name for name, value in fresh.items() if not torch.equal(now[name], value)}
    expected = set(fresh) if trains_base else set()
    assert changed == expected
    for name, value in trainable(one.model).items():
        assert not torch.equal(value, one.start[name]), name


@every
@pytest.mark.parametrize("method", METHODS)
def test_the_count_is_what_receives_gradient(trained: Get, method: str, family: str) -> None:
    one = trained(method, family)
    batch = Collator(one.base)([one.splits.train[i] for i in range(16)])
    labels = batch.pop("labels")
    one.model.zero_grad()
    TokenLoss(one.is_decoder_only)(one.model(**batch), labels).backward()
    counted, total = one.counted
    with_gradient = [p for p in one.model.parameters() if p.grad is not None]
    received = sum(p.grad.numel() for p in with_gradient)
    moved = sum(int((p.grad != 0).sum()) for p in with_gradient)
    one.model.zero_grad()
    assert received == counted
    if method in ("prompt", "prefix"):
        assert moved == counted, "each value of each vector takes part"
    assert total == sum(p.numel() for p in one.model.parameters())


@every
def test_prompt_has_one_vector_a_virtual_token(trained: Get, family: str) -> None:
    one = trained("prompt", family)
    width = one.base.facts.hidden
    assert one.counted[0] == 5 * width
    assert trainable(one.model)["prompt_encoder.default.embedding.weight"].shape == (5, width)


@every
@pytest.mark.parametrize("method", METHODS)
def test_validation_loss_falls(trained: Get, method: str, family: str) -> None:
    one = trained(method, family)
    lines = (one.folder / "history.jsonl").read_text().splitlines()
    losses = [row["validation_loss"] for row in map(json.loads, lines) if "validation_loss" in row]
    assert len(losses) == 4
    assert min(losses[1:]) < losses[0] - 0.01


@every
def test_before_is_measured_on_the_bare_base(trained: Get, family: str) -> None:
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    from tunebook.pipeline import steps

    one = trained("prompt", family)
    auto = AutoModelForCausalLM if one.is_decoder_only else AutoModelForSeq2SeqLM
    stock = auto.from_pretrained(one.base.facts.folder)
    fresh = steps.untried_base(one.plan)
    ours = generate(fresh.model, fresh, source_ids(one), one.settings.decoding)
    for source, text in zip(source_ids(one), ours, strict=True):
        made = stock.generate(input_ids=torch.tensor([source]), max_new_tokens=8, do_sample=False,
                              eos_token_id=1, pad_token_id=0)[0]  # fmt: skip
        new = made[len(source) :] if one.is_decoder_only else made
        assert one.base.tokenizer.decode(new, skip_special_tokens=True).strip() == text


@every
@pytest.mark.parametrize("method", METHODS)
def test_loss_of_a_padded_batch_is_that_of_its_rows(trained: Get, method: str, family: str) -> None:
    one = trained(method, family)
    rows = [one.splits.train[i] for i in range(6)]
    rows[0] = {**rows[0], "source": rows[0]["source"][-4:]}
    loss = TokenLoss(one.is_decoder_only)

    def total(batch: dict[str, torch.Tensor]) -> float:
        labels = batch.pop("labels")
        with torch.no_grad():
            return loss.sum(one.model(**batch), labels).item()

    batches = Collator(one.base)
    assert total(batches(rows)) == pytest.approx(sum(total(batches([r])) for r in rows), rel=1e-5)
