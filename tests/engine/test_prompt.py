"""The shared prompt gives PEFT's loss and gradient, and a padded row those of itself alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from peft import PromptTuningConfig, get_peft_model
from transformers import (
    BloomConfig,
    BloomForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GemmaConfig,
    GemmaForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tunebook.engine import attention, select_where_wanted
from tunebook.engine.batches import predicts_labels
from tunebook.engine.prompt import CopiedPrompt, SharedPrompt, cannot_share, share
from tunebook.training import TokenLoss

VOCABULARY, VIRTUAL, WIDTH = 97, 7, 32
SIZES = {"vocab_size": VOCABULARY, "hidden_size": WIDTH, "intermediate_size": 48,
         "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
         "head_dim": 8, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}  # fmt: skip
LLAMA = {name: value for name, value in SIZES.items() if name != "head_dim"}
SERVED: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**LLAMA)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(n_layer=3, n_embd=WIDTH, n_head=4, vocab_size=VOCABULARY, n_positions=64,
                   bos_token_id=1, eos_token_id=2, pad_token_id=0,
                   attn_pdrop=0.0, embd_pdrop=0.0, resid_pdrop=0.0)
    ),
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZES)),
    "gemma": lambda: GemmaForCausalLM(GemmaConfig(**SIZES)),
}  # fmt: skip
LAYERS = {"gpt2": "h"}
every_model = pytest.mark.parametrize("name", SERVED)


def wrapped(base: Any) -> Any:
    """A prompt-tuned model in evaluation mode, the same numbers each time."""
    torch.manual_seed(1)
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=VIRTUAL)
    model = get_peft_model(base, config)
    prompt = model.prompt_encoder["default"].embedding.weight
    prompt.data.copy_(torch.randn_like(prompt) * 0.3)
    return model.eval()


def base_of(name: str) -> Any:
    torch.manual_seed(0)
    return SERVED[name]().eval().requires_grad_(False)


def batch(lengths: list[int], pad_left: bool = False) -> dict[str, torch.Tensor]:
    """Random rows; the labels are each row's last three tokens."""
    generator = torch.Generator().manual_seed(2)
    longest = max(lengths)
    ids = torch.zeros(len(lengths), longest, dtype=torch.long)
    mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
    for i, n in enumerate(lengths):
        row = torch.randint(3, VOCABULARY, (n,), generator=generator)
        start = longest - n if pad_left else 0
        ids[i, start : start + n] = row
        mask[i, start : start + n] = 1
        labels[i, start + n - 3 : start + n] = row[-3:]
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def loss_and_gradient(model: Any, given: dict[str, torch.Tensor], *, select: bool = False) -> Any:
    """(summed loss, gradient of the prompt)."""
    inputs = dict(given)
    labels = inputs.pop("labels")
    if select:
        inputs["wanted"] = predicts_labels(labels, decoder_only=True)
    prompt = model.prompt_encoder["default"].embedding.weight
    prompt.grad = None
    loss = TokenLoss(decoder_only=True).sum(model(**inputs), labels)
    loss.backward()
    return loss.detach(), prompt.grad.clone()


def close(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    """Equal within 1e-5 of the larger norm."""
    return bool((ours - theirs).norm() <= 1e-5 * theirs.norm())


@every_model
def test_equals_stock_peft_on_unpadded_rows(name: str) -> None:
    given = batch([12, 12, 12, 12])
    stock = loss_and_gradient(wrapped(base_of(name)), given)
    model = wrapped(base_of(name))
    assert "computed once a batch" in share(model)
    assert isinstance(model, SharedPrompt)
    ours = loss_and_gradient(model, given)
    assert close(ours[0], stock[0])
    assert close(ours[1], stock[1])


@every_model
@pytest.mark.parametrize("pad_left", [False, True])
def test_each_padded_row_equals_itself_alone(name: str, pad_left: bool) -> None:
    lengths = [5, 12, 9]
    model = wrapped(base_of(name))
    share(model)
    given = batch(lengths, pad_left)
    together = loss_and_gradient(model, given)
    alone = []
    for i, n in enumerate(lengths):
        kept = slice(12 - n, None) if pad_left else slice(0, n)
        row = {key: value[i : i + 1, kept] for key, value in given.items()}
        alone.append(loss_and_gradient(model, row))
    assert close(together[0], sum(loss for loss, _ in alone))
    assert close(together[1], sum(gradient for _, gradient in alone))


@every_model
@pytest.mark.parametrize("pad_left", [False, True])
def test_prompt_and_text_joined_give_the_same(
    name: str, pad_left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done where the attention cannot be split: on a card, or with attention dropout."""
    given = batch([5, 12, 9], pad_left)
    model = wrapped(base_of(name))
    share(model)
    split = loss_and_gradient(model, given)
    asked: list[bool] = []
    monkeypatch.setattr(attention, "_can_split", lambda *_: bool(asked.append(True)))
    joined = loss_and_gradient(model, given)
    assert len(asked) == 3
    assert close(split[0], joined[0])
    assert close(split[1], joined[1])


def test_attention_dropout_is_kept() -> None:
    torch.manual_seed(0)
    config = LlamaConfig(**{**LLAMA, "attention_dropout": 0.5})
    model = wrapped(LlamaForCausalLM(config).eval().requires_grad_(False))
    assert "computed once a batch" in share(model)
    given = batch([12, 12])
    once, again = (loss_and_gradient(model, given)[0] for _ in "ab")
    assert once == again
    once, again = (loss_and_gradient(model.train(), given)[0] for _ in "ab")
    assert once != again


@every_model
@pytest.mark.parametrize("shared", [False, True])
def test_selected_logits_give_the_same_loss_and_gradient(name: str, shared: bool) -> None:
    given = batch([5, 12, 9])
    base = base_of(name)
    select_where_wanted(base)
    model = wrapped(base)
    if shared:
        share(model)
    whole = loss_and_gradient(model, given)
    selected = loss_and_gradient(model, given, select=True)
    assert close(selected[0], whole[0])
    assert close(selected[1], whole[1])


@every_model
def test_output_layer_sees_labelled_positions_alone(name: str) -> None:
    base = base_of(name)
    select_where_wanted(base)
    model = wrapped(base)
    share(model)
    seen: list[int] = []
    base.get_output_embeddings().register_forward_hook(lambda _, __, out: seen.append(len(out)))
    loss_and_gradient(model, batch([5, 12, 9]), select=True)
    assert seen == [9]


def test_sliding_windows_and_models_without_positions_fall_back() -> None:
    gemma = Gemma2ForCausalLM(Gemma2Config(**{**SIZES, "sliding_window": 4}))
    assert "sliding window" in cannot_share(wrapped(gemma))
    bloom = BloomForCausalLM(
        BloomConfig(vocab_size=VOCABULARY, hidden_size=WIDTH, n_layer=2, n_head=4)
    )
    model = wrapped(bloom)
    assert "position_ids" in share(model)
    assert not isinstance(model, SharedPrompt)


@every_model
@pytest.mark.parametrize("pad_left", [False, True])
def test_gradient_checkpointing_gives_the_same_gradient(name: str, pad_left: bool) -> None:
    given = batch([5, 12, 9], pad_left)
    model = wrapped(base_of(name))
    share(model)
    kept = loss_and_gradient(model.train(), given)
    base = base_of(name)
    base.gradient_checkpointing_enable({"use_reentrant": False})
    base.enable_input_require_grads()
    model = wrapped(base)
    assert "computed once a batch" in share(model)
    calls: list[int] = []
    layer = model.get_base_model().get_decoder().get_submodule(LAYERS.get(name, "layers"))[1]
    layer.mlp.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    again = loss_and_gradient(model.train(), given)
    assert calls == [1, 3, 3], "the prompt once, the rows in both passes"
    assert close(again[0], kept[0])
    assert close(again[1], kept[1])


def test_an_attention_that_cannot_be_exchanged_reads_copies() -> None:
    base = base_of("llama")
    base.set_attn_implementation("eager")
    model = wrapped(base)
    assert share(model) == (
        "soft prompt computed once a batch and copied for each row (attention eager)"
    )
    assert isinstance(model, CopiedPrompt)
    given = batch([5, 12, 9])
    copied = loss_and_gradient(model, given)
    model = wrapped(base_of("llama"))
    share(model)
    ours = loss_and_gradient(model, given)
    assert close(copied[0], ours[0])
    assert close(copied[1], ours[1])
    base.gradient_checkpointing_enable({"use_reentrant": False})
    model = wrapped(base)
    assert "computed for every row (gradient checkpointing; attention eager)" in share(model)


def test_a_model_that_passes_nothing_on_is_found_out() -> None:
    base = base_of("llama")
    forward = base.model.forward
    base.model.forward = lambda *inputs, shared_prompt=None, **more: forward(*inputs, **more)
    model = wrapped(base)
    assert "attention of LlamaForCausalLM cannot be exchanged" in share(model)
    assert isinstance(model, CopiedPrompt)
    assert base.config._attn_implementation == "sdpa"


def test_saved_weights_are_a_plain_peft_adapter(tmp_path: Any) -> None:
    from peft import PeftModel

    model = wrapped(base_of("llama"))
    share(model)
    model.save_pretrained(tmp_path)
    stock = PeftModel.from_pretrained(base_of("llama"), tmp_path)
    assert type(stock).__name__ == "PeftModelForCausalLM"
    given = batch([6, 6])
    ids = {"input_ids": given["input_ids"]}
    assert torch.allclose(stock(**ids).logits[:, VIRTUAL:], model(**ids).logits, atol=1e-5)
