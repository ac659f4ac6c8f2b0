"""oneDNN's products are torch's own but for rounding, and are chosen without a stopwatch."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.pytorch_utils import Conv1D

from tunebook.engine import matmul

SIZES = {"vocab_size": 97, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
needs_onednn = pytest.mark.skipif(bool(matmul.why_no_onednn()), reason=matmul.why_no_onednn())
LAYERS = {
    "linear": lambda: torch.nn.Linear(16, 9),
    "no_bias": lambda: torch.nn.Linear(16, 9, bias=False),
    "conv1d": lambda: Conv1D(9, 16),
}
INPUTS = {
    "one_row": lambda: torch.randn(1, 16),
    "batch": lambda: torch.randn(3, 5, 16),
    "last_position": lambda: torch.randn(3, 5, 16)[:, -1:],
    "turned": lambda: torch.randn(3, 16, 5).transpose(1, 2),
    "vector": lambda: torch.randn(16),
    "nothing": lambda: torch.randn(0, 5, 16),
}


def gradients(layer: Any, given: torch.Tensor) -> list[torch.Tensor]:
    """The layer's output, and the gradients of its input and its parameters."""
    given = given.clone().requires_grad_()
    out = layer(given)
    wanted = [given, *layer.parameters()]
    return [out, *torch.autograd.grad((out**2).sum(), wanted)]


@needs_onednn
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("given", INPUTS)
def test_products_and_gradients_are_torchs(layer: str, given: str) -> None:
    torch.manual_seed(0)
    theirs, rows = LAYERS[layer](), INPUTS[given]()
    ours = copy.deepcopy(theirs)
    matmul.use_onednn(ours)
    assert type(ours) in matmul.OURS.values()
    wanted_of = gradients(theirs, rows.contiguous())
    for mine, wanted in zip(gradients(ours, rows), wanted_of, strict=True):
        assert mine.shape == wanted.shape
        assert torch.allclose(mine, wanted, rtol=1e-5, atol=1e-5)


@needs_onednn
def test_whole_models_give_the_same_logits_and_keep_their_names() -> None:
    for model in (
        LlamaForCausalLM(LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2,
                                     num_attention_heads=4, **SIZES)),
        GPT2LMHeadModel(GPT2Config(n_layer=2, n_embd=32, n_head=4, **SIZES)),
    ):  # fmt: skip
        model.eval()
        ids = torch.arange(12).reshape(2, 6)
        names, before = list(model.state_dict()), model(input_ids=ids).logits
        matmul.use_onednn(model)
        assert list(model.state_dict()) == names
        after = model(input_ids=ids).logits
        assert torch.allclose(before, after, rtol=1e-5, atol=1e-5)


@needs_onednn
def test_a_frozen_weight_keeps_no_rows_and_gets_no_gradient() -> None:
    layer = torch.nn.Linear(16, 9).requires_grad_(False)
    matmul.use_onednn(layer)
    out = layer(torch.randn(2, 16, requires_grad=True))
    assert out.grad_fn.saved_tensors[0] is None
    out.sum().backward()
    assert layer.weight.grad is None


@pytest.mark.parametrize(
    ("asked", "device", "dtype", "chosen"),
    [("torch", "cpu", "float32", "torch"), (None, "cuda", "float32", "torch"),
     ("onednn", "cpu", "bfloat16", "torch"), ("onednn", "mps", "float32", "torch")],
)  # fmt: skip
def test_where_torch_multiplies(asked: str | None, device: str, dtype: str, chosen: str) -> None:
    assert matmul.choose_matmul(asked, device, dtype)[0] == chosen


@needs_onednn
@pytest.mark.parametrize(
    ("vendor", "capability", "chosen"),
    [("AuthenticAMD", "AVX512", "onednn"), ("AuthenticAMD", "AVX2", "torch"),
     ("GenuineIntel", "AVX512", "torch")],
)  # fmt: skip
def test_the_processor_decides(
    vendor: str, capability: str, chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matmul, "_vendor", lambda: f"vendor_id\t: {vendor}")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    assert matmul.choose_matmul(None, "cpu", "float32")[0] == chosen
    assert matmul.choose_matmul("onednn", "cpu", "float32")[0] == "onednn"


def test_a_torch_whose_product_fails_or_is_wrong_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: True)

    def broken(*_: Any) -> Any:
        raise RuntimeError("no such kernel\nat line 3")

    monkeypatch.setattr(matmul, "_multiplied", broken)
    reason = "its product in oneDNN failed: no such kernel"
    assert matmul.choose_matmul("onednn", "cpu", "float32") == ("torch", reason)
    monkeypatch.setattr(matmul, "_multiplied", lambda a, b, *_: a @ b.t() * 1.01)
    assert "is not that of torch" in matmul.why_no_onednn()
