"""An exported prefix answers in stock PEFT what the soft prompt answers here, padding or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import PeftModel, PromptTuningConfig, get_peft_model
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from recipes.export import main
from tunebook.engine import generate, generation_config, select_where_wanted
from tunebook.predicting.export import with_prefix
from tunebook.schema import DecodingSettings

VOCABULARY, VIRTUAL, NEW = 97, 6, 8
TOKENS = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
         "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.3,
         **TOKENS}  # fmt: skip
MODELS: dict[str, Callable[[], Any]] = {
    "llama": lambda: LlamaForCausalLM(LlamaConfig(**SIZES)),
    # Its heads are wider than width / heads, which PEFT must not guess wrong.
    "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(**SIZES, head_dim=16)),
    "gpt2": lambda: GPT2LMHeadModel(
        GPT2Config(n_layer=3, n_embd=32, n_head=4, n_positions=64, initializer_range=0.3, **TOKENS)
    ),
}
SOURCES = [[5, 9, 11], list(range(20, 43)), [60, 61, 62, 63, 64, 65, 66, 67], [90] * 15]


class NumberTokenizer:
    """A token's text is its number."""

    pad_token_id, eos_token_id = 0, 2

    def decode(self, ids: list[int], **_: Any) -> str:
        """Ids but special ones, with spaces between."""
        return " ".join(str(i) for i in ids if i > 2)


def base_of(name: str) -> Any:
    torch.manual_seed(3)
    return MODELS[name]().eval().requires_grad_(False)


def prompted(name: str) -> Any:
    """A model with a strong random prompt."""
    base = base_of(name)
    select_where_wanted(base)
    model = get_peft_model(
        base, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=VIRTUAL)
    )
    prompt = model.prompt_encoder["default"].embedding.weight
    prompt.data.copy_(torch.randn_like(prompt))
    return model.eval()


def exported(name: str, folder: Path) -> tuple[Any, Any]:
    """(the model with its soft prompt, its saved prefix loaded by stock PEFT)."""
    model = prompted(name)
    run: Any = SimpleNamespace(path=folder)
    with_prefix(model, run).save_pretrained(folder / "prefix")
    return model, PeftModel.from_pretrained(base_of(name), folder / "prefix").eval()


@pytest.mark.parametrize("name", MODELS)
def test_same_greedy_text_from_stock_batched_generation(name: str, tmp_path: Path) -> None:
    model, stock = exported(name, tmp_path)
    base: Any = SimpleNamespace(
        model=model.get_base_model(), tokenizer=NumberTokenizer(),
        facts=SimpleNamespace(family="decoder-only"), special=None,
    )  # fmt: skip
    decoding = DecodingSettings(max_new_tokens=NEW)
    ours = generate(model, base, SOURCES, decoding)
    longest = max(map(len, SOURCES))
    ids = torch.tensor([[0] * (longest - len(s)) + s for s in SOURCES])
    mask = torch.tensor([[0] * (longest - len(s)) + [1] * len(s) for s in SOURCES])
    config = generation_config(base, decoding)
    made = stock.generate(input_ids=ids, attention_mask=mask, generation_config=config)
    theirs = [base.tokenizer.decode(row[longest:]).strip() for row in made.tolist()]
    assert ours == theirs
    assert len(set(ours)) > 1


@pytest.mark.parametrize("name", MODELS)
def test_same_logits(name: str, tmp_path: Path) -> None:
    model, stock = exported(name, tmp_path)
    with torch.no_grad():
        for source in SOURCES:
            ids = torch.tensor([source])
            wanted = model(input_ids=ids).logits[:, VIRTUAL:]
            assert (stock(input_ids=ids).logits - wanted).abs().max() <= 1e-5


@pytest.mark.parametrize("method", ["prompt", "p_tuning"])
def test_a_run_becomes_a_folder_that_stock_peft_loads(
    method: str, run_of: Callable[..., Path], tmp_path: Path, capsys: Any
) -> None:
    target = tmp_path / "prefix"
    assert main(["prefix", str(run_of(method, "llama")), "--output", str(target)]) == 0
    assert str(target) in capsys.readouterr().out.replace("\n", "")
    assert (target / "adapter_model.safetensors").exists()
    assert "prefix" in (target / "README.md").read_text()
    assert main(["prefix", str(run_of("prompt", "llama")), "--output", str(target)]) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "family", "told"),
    [("prompt", "t5", "encoder-decoder"), ("lora", "llama", "method lora")],
)
def test_runs_without_such_a_prompt_are_refused(
    run_of: Callable[..., Path], method: str, family: str, told: str, tmp_path: Path, capsys: Any
) -> None:
    target = tmp_path / "prefix"
    assert main(["prefix", str(run_of(method, family)), "--output", str(target)]) == 2
    assert told in capsys.readouterr().err
    assert not target.exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["prefx", "RUN"], "Did you mean prefix?"),
        (["prefix"], "RUN: is missing"),
        (["prefix", "RUN", "--ouput", "x"], "Did you mean --output?"),
        (["prefix", "nowhere"], "no such folder"),
    ],
)
def test_wrong_requests_are_answered_in_one_message(
    words: list[str], told: str, capsys: Any
) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err
