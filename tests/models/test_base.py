"""Loading: what comes out is whole, frozen and explained."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tunebook.engine import load
from tunebook.errors import RequestError
from tunebook.models.base import check, enable_checkpointing
from tunebook.models.facts import facts_of
from tunebook.schema import ModelSettings

STORIES = Path(__file__).parents[3] / "shared" / "models" / "stories260K" / "hf"
LOADABLE = ["t5", "mt5", "bart", "gpt2", "llama", "qwen3", "mistral", "gemma", "gemma2"]


def settings(path, **changes):
    return ModelSettings(name="it", path=str(path), device=changes.pop("device", "cpu"), **changes)


def loaded(path, said=None, **changes):
    wanted = settings(path, **changes)
    return load(wanted, facts_of(wanted), [].append if said is None else said.append)


@pytest.mark.parametrize("name", LOADABLE)
def test_a_loaded_model_is_frozen_and_explained(name, built, capfd):
    said: list[str] = []
    base = loaded(built(name), said, matmul="torch")
    assert not any(p.requires_grad for p in base.model.parameters())
    assert not base.model.training
    assert {p.dtype for p in base.model.parameters()} == {torch.float32}
    assert type(base.model).__name__ == base.facts.architecture
    assert said[:2] == ["device cpu (as asked)", "dtype float32 (CPU)"]
    assert [line.split()[0] for line in said] == ["device", "dtype", "attention", "matmul"]
    assert base.tokenizer.decode(base.tokenizer("the cat").input_ids) == "the cat"
    out, err = capfd.readouterr()
    assert "Loading weights" not in out + err


@pytest.mark.parametrize("name", ["t5", "gpt2"])
def test_the_values_are_those_of_the_file(name, built):
    stored = load_file(built(name) / "model.safetensors")
    state = loaded(built(name)).model.state_dict()
    assert all(torch.equal(state[key], value) for key, value in stored.items())


def test_dtype_and_attention_as_asked(built):
    said: list[str] = []
    base = loaded(built("llama"), said, dtype="bfloat16", attention="eager")
    assert {p.dtype for p in base.model.parameters()} == {torch.bfloat16}
    assert said[1:] == ["dtype bfloat16 (as asked)", "attention eager (as asked)"]


def _retie(folder, name):
    """Give the output layer values of its own, as T5 1.1 and mT5 have."""
    tensors = load_file(folder / "model.safetensors")
    tensors[name] = torch.randn(320, 32)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    return tensors[name]


@pytest.mark.parametrize("name", ["t5", "mt5"])
def test_an_output_layer_of_its_own_is_kept(name, copied):
    folder, said = copied(name), []
    output = _retie(folder, "lm_head.weight")
    base = loaded(folder, said, matmul="torch")
    assert torch.equal(base.model.lm_head.weight, output)
    assert not torch.equal(base.model.shared.weight, output)
    assert len(said) == 4


def test_a_tokenizer_without_pad_pads_with_the_end_token(tmp_path, tiny):
    tiny.save_model(tmp_path, "llama", pad_token_id=None)
    tiny.save_tokenizer(tmp_path, pad=False)
    said: list[str] = []
    base = loaded(tmp_path, said)
    assert said[-1] == "pad token </s> (there is none: the end token, always masked)"
    assert base.tokenizer.pad_token_id == base.tokenizer.eos_token_id == 1
    assert base.model.generation_config.pad_token_id == base.model.config.pad_token_id == 1


def test_generation_stops_at_the_tokenizers_end_token(tmp_path, tiny):
    tiny.save_model(tmp_path, "llama", eos_token_id=7)
    tiny.save_tokenizer(tmp_path)
    assert loaded(tmp_path).model.generation_config.eos_token_id == [7, 1]


def test_a_tokenizer_larger_than_the_model_is_told(tmp_path, tiny):
    tiny.save_model(tmp_path, "gpt2", vocab_size=100)
    tiny.save_tokenizer(tmp_path)
    said: list[str] = []
    size = len(loaded(tmp_path, said).tokenizer)
    assert said[-1] == f"the tokenizer knows {size} tokens, the model only 100"


def _with_a_token_beyond(folder, tiny, name, *, in_config=False):
    """A llama whose tokenizer has one token more than the model, as its pad or end token."""
    from transformers import AutoTokenizer

    tiny.save_tokenizer(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    words = len(tokenizer)
    tiny.save_model(folder, "llama", vocab_size=words)
    tokenizer.add_tokens(["[NEW]"])
    setattr(tokenizer, name, "[NEW]")
    tokenizer.save_pretrained(folder)
    if in_config:
        config = json.loads((folder / "config.json").read_text()) | {"pad_token_id": words}
        (folder / "config.json").write_text(json.dumps(config))
    return words


@pytest.mark.parametrize("in_config", [False, True])
def test_padding_stays_within_the_embeddings(in_config, tmp_path, tiny):
    _with_a_token_beyond(tmp_path, tiny, "pad_token", in_config=in_config)
    said: list[str] = []
    base = loaded(tmp_path, said)
    line = "pad token </s> (the model has no vector for it: the end token, always masked)"
    assert line in said
    assert base.tokenizer.pad_token_id == base.model.config.pad_token_id == 1
    type(base.model)(base.model.config)  # refuses a pad token beyond its vocabulary


def test_an_end_token_beyond_the_embeddings_is_refused(tmp_path, tiny):
    words = _with_a_token_beyond(tmp_path, tiny, "eos_token")
    message = rf"the end token \[NEW\] is number {words} of {words}\. Name one"
    with pytest.raises(RequestError, match=message):
        loaded(tmp_path)


def test_an_end_token_that_is_no_number_is_refused(copied):
    folder = copied("llama")
    (folder / "generation_config.json").write_text('{"eos_token_id": "abc"}')
    with pytest.raises(RequestError, match=r"eos_token_id is \['abc'\] in its generation_config"):
        loaded(folder)


def _without(folder, *names):
    tensors = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in tensors.items() if not k.endswith(names)}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def test_weights_that_would_start_random_are_refused(copied):
    folder = copied("llama")
    _without(folder, "lm_head.weight", "layers.1.mlp.up_proj.weight")
    message = "lacks 2 tensors of LlamaForCausalLM: lm_head.weight, model.layers.1.mlp.up_proj"
    with pytest.raises(RequestError, match=message):
        loaded(folder)


def test_tensors_that_are_not_used_are_told(copied):
    folder, said = copied("gpt2"), []
    tensors = load_file(folder / "model.safetensors") | {"extra.weight": torch.zeros(2)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    loaded(folder, said)
    assert any("1 tensors" in line and "extra.weight" in line for line in said)


def test_weights_of_another_size_are_refused(copied):
    folder = copied("gpt2")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"n_embd": 64}))
    with pytest.raises(RequestError, match="cannot be loaded"):
        loaded(folder)


def test_a_broken_tokenizer_is_refused(copied):
    folder = copied("gpt2")
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(RequestError, match=r"the tokenizer of .* cannot be loaded"):
        loaded(folder)


def test_a_tokenizer_without_end_token_is_refused(tmp_path, tiny):
    tiny.save_model(tmp_path, "gpt2")
    tiny.save_tokenizer(tmp_path, end=False)
    with pytest.raises(RequestError, match="has no end token"):
        loaded(tmp_path)


def test_attention_that_the_model_lacks(built):
    with pytest.raises(RequestError, match=r"^model\.attention: sdpa: ValueError: Bloom") as raised:
        loaded(built("bloom"), attention="sdpa")
    assert "Leave model.attention out" in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "wheres", "message"),
    [
        ({"quantization": "4bit"}, ["model.quantization"], "4bit needs a CUDA card"),
        ({"quantization": "8bit"}, ["model.quantization"], "8bit needs a CUDA card"),
        ({"attention": "flash_attention_2"}, ["model.attention"], "needs a CUDA card"),
        ({"attention": "flex_attention"}, ["model.attention"], "needs a CUDA card"),
        ({"device": "cuda"}, ["model.device"], "no cuda device"),
        ({"device": "cuda", "quantization": "4bit"}, ["model.device"], "no cuda device"),
    ],
)
def test_what_a_machine_without_cuda_cannot_do(changes, wheres, message, built, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "found")
    wanted = settings(built("gpt2"), **changes)
    problems = check(wanted, facts_of(wanted))
    assert [problem.where for problem in problems] == wheres
    assert message in str(problems[0])
    with pytest.raises(RequestError, match=message):
        load(wanted, facts_of(wanted), print)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"quantization": "4bit"}, "needs bitsandbytes, which is not installed"),
        ({"attention": "flash_attention_2"}, "needs the package flash-attn"),
    ],
)
def test_a_package_that_is_missing(changes, message, built, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Test Card")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: (9, 0))
    wanted = settings(built("gpt2"), device="cuda", **changes)
    facts = facts_of(wanted)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert message in str(check(wanted, facts)[0])


def test_a_model_that_is_already_quantized(copied, monkeypatch):
    folder = copied("gpt2")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq"}
    (folder / "config.json").write_text(json.dumps(config))
    wanted = settings(folder, quantization="4bit")
    assert "is already quantized (gptq)" in str(check(wanted, facts_of(wanted))[-1])


def test_nothing_asked_nothing_checked(built):
    wanted = ModelSettings(name="it", path=str(built("gpt2")))
    assert check(wanted, facts_of(wanted)) == []


@pytest.mark.parametrize("name", ["t5", "llama"])
def test_checkpointing_lets_gradient_through_a_frozen_model(name, built):
    base = loaded(built(name))
    enable_checkpointing(base.model)
    base.model.train()
    vectors = torch.zeros(1, 3, 32, requires_grad=True)
    labels = torch.tensor([[5, 6, 1]])
    base.model(inputs_embeds=vectors, labels=labels).loss.backward()
    assert vectors.grad is not None
    assert vectors.grad.abs().sum() > 0
    assert base.model.is_activation_checkpointing


def test_checkpointing_where_the_model_has_none(built):
    base = loaded(built("gpt2"))
    type(base.model).supports_gradient_checkpointing = False
    try:
        with pytest.raises(RequestError, match=r"model\.gradient_checkpointing: GPT2LMHeadModel"):
            enable_checkpointing(base.model)
    finally:
        del type(base.model).supports_gradient_checkpointing


@pytest.mark.skipif(not STORIES.exists(), reason="no ../shared here")
def test_a_real_pretrained_model_tells_a_story():
    base = loaded(STORIES)
    start = base.tokenizer("Once upon a time", return_tensors="pt")
    text = base.model.generate(**start, max_new_tokens=12, do_sample=False)
    story = base.tokenizer.decode(text[0], skip_special_tokens=True)
    assert story.startswith("Once upon a time, there was a little")
