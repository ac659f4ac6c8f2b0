"""Starts, sizes and saved adapters over the families of transformers, against stock PEFT."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.small_models import DECODER_ONLY, ENCODER_DECODER, save
from tunebook import methods
from tunebook.errors import RequestError
from tunebook.settings import resolve

SOFT = ("prompt", "p_tuning")
TEXT = "She sells apples."
# What differs from the common sizes, by family.
CHOSEN: dict[str, dict[str, Any]] = {
    "llama": {},
    "qwen3": {"head_dim": 16},  # heads wider than hidden / heads, as Qwen3-4B
    "gemma3_text": {"head_dim": 16},
    "gpt_bigcode": {"multi_query": True},
    "opt": {"word_embed_proj_dim": 16},  # as OPT-350m
    "mpt": {},
    "rwkv": {},
    "xglm": {},
    "t5": {"d_kv": 24, "num_decoder_layers": 3},  # as mt5-small, and uneven
    "bart": {"decoder_layers": 1, "decoder_attention_heads": 2},
    "m2m_100": {},
    "prophetnet": {},
    "t5gemma": {},
}
SCALED = ("gemma", "gemma2", "gemma3_text", "gemma3n_text", "gemma4_text", "xglm", "biogpt",
          "m2m_100", "plbart")  # fmt: skip
WITHOUT_VECTORS = ("gemma4_text", "marian", "pegasus")
"""They read the vectors of a text otherwise than its ids, or not at all."""
WITHOUT_PREFIX = ("falcon_h1", "jamba", "lfm2", "mamba", "mamba2", "openai-gpt", "qwen3_next",
                  "recurrent_gemma", "rwkv", "deepseek_v2", "deepseek_v3", "prophetnet",
                  "switch_transformers")  # fmt: skip


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            target = tmp_path_factory.mktemp("models") / family
            made[family] = save(target, family, **CHOSEN.get(family, {}))
        return made[family]

    return folder


@pytest.fixture
def opened(settings, folder_of) -> Callable[..., tuple[Any, Any]]:
    """A base of a family, and settings for a method on it."""
    from tunebook.engine import load

    def open_base(family: str, method: str, *words: str) -> tuple[Any, Any]:
        given = settings("task=translate", f"model.path={folder_of(family)}", f"method={method}",
                         "method.num_virtual_tokens=4", *words)  # fmt: skip
        found = resolve(given)
        return load(found.settings.model, found.facts, lambda _: None), found.settings

    return open_base


@pytest.mark.parametrize("family", [*SCALED, "llama", "opt", "t5"])
def test_a_start_from_text_is_what_the_layer_gives(family, opened):
    from tunebook.methods.parts.initial import prompt_vectors, text_ids

    base, _ = opened(family, "prompt")
    layer, ids = base.model.get_input_embeddings(), text_ids(base, 6, TEXT)
    start = prompt_vectors(base, "text", 6, TEXT)
    assert start.equal(layer(ids))
    grown = float(start.norm() / layer.weight[ids].norm())
    assert grown == pytest.approx(32**0.5 if family in SCALED else 1)


@pytest.mark.parametrize("family", ["gemma3_text", "biogpt", "llama"])
def test_a_start_from_text_is_that_of_peft(family, opened, folder_of):
    from peft import PromptTuningConfig, get_peft_model

    from tunebook.methods.parts.initial import prompt_vectors

    base, _ = opened(family, "prompt")
    start = prompt_vectors(base, "text", 6, TEXT)
    config = PromptTuningConfig(
        task_type="CAUSAL_LM", num_virtual_tokens=6, prompt_tuning_init="TEXT",
        prompt_tuning_init_text=TEXT, tokenizer_name_or_path=str(folder_of(family)),
    )  # fmt: skip
    stock = get_peft_model(base.model, config).prompt_encoder["default"]
    assert start.equal(stock.embedding.weight)


def _logits(model: Any, family: str) -> Any:
    import torch

    ids = torch.tensor([[5, 9, 33, 77, 21]])
    more = {"decoder_input_ids": ids[:, :3]} if family in ENCODER_DECODER else {}
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=torch.ones_like(ids), **more).logits[:, -3:]


def _attaches_saves_and_loads(family, method, opened, folder_of, tmp_path):
    """Also with stock PEFT alone, which must find the sizes in what was saved."""
    import torch
    import transformers
    from peft import PeftModel

    from tunebook.pipeline.saving import save_adapter
    from tunebook.predicting.predictor import _with_adapter

    base, given = opened(family, method)
    methods.check(base, given)
    model = methods.attach(base, given, lambda _: None).eval()
    save_adapter(tmp_path, model, base)
    wanted = _logits(model, family)
    again, _ = opened(family, method)
    ours = _with_adapter(again, tmp_path / "adapter", lambda _: None)
    auto = transformers.AutoModelForCausalLM
    if family in ENCODER_DECODER:
        auto = transformers.AutoModelForSeq2SeqLM
    bare = auto.from_pretrained(folder_of(family))
    stock = PeftModel.from_pretrained(bare, tmp_path / "adapter").eval()
    near = 1e-5 * wanted.abs().max()
    assert _logits(ours, family).equal(_logits(stock, family))
    assert (_logits(stock, family) - wanted).abs().max() <= near
    learned = [one for one in model.parameters() if one.requires_grad]
    assert torch.isfinite(torch.cat([one.flatten() for one in learned])).all()


@pytest.mark.sample(
    "qwen3-prompt",
    "gemma3_text-prompt",
    "opt-prompt",
    "rwkv-prompt",
    "t5-prompt",
    "m2m_100-prompt",
    "t5gemma-prompt",
    "gpt_bigcode-prefix",
    "mpt-prefix",
    "xglm-prefix",
    "t5-prefix",
    "bart-prefix",
    "gemma3_text-prefix",
)
@pytest.mark.parametrize("method", ["prompt", "prefix"])
@pytest.mark.parametrize("family", CHOSEN)
def test_an_adapter_of_a_family(family, method, opened, folder_of, tmp_path):
    if method == "prefix" and family in WITHOUT_PREFIX:
        pytest.skip("takes none")
    _attaches_saves_and_loads(family, method, opened, folder_of, tmp_path)


@pytest.mark.fuzz
@pytest.mark.parametrize("method", [*SOFT, "prefix"])
@pytest.mark.parametrize("family", [*DECODER_ONLY, *ENCODER_DECODER])
def test_an_adapter_of_every_family(family, method, opened, folder_of, tmp_path):
    if method == "prefix" and family in WITHOUT_PREFIX:
        pytest.skip("takes none")
    if method in SOFT and family in WITHOUT_VECTORS:
        with pytest.raises(RequestError, match="cannot stand behind learned vectors"):
            methods.check(*opened(family, method))
        return
    _attaches_saves_and_loads(family, method, opened, folder_of, tmp_path)


@pytest.mark.parametrize("family", ["lfm2", "mamba", "recurrent_gemma", "falcon_h1"])
def test_layers_without_keys_and_values_take_no_prefix(family, opened):
    base, given = opened(family, "prefix")
    with pytest.raises(RequestError, match=r"prefix tuning needs keys and values in every layer"):
        methods.check(base, given)


SIZES = {
    "qwen3": (32, 2, 2), "gemma3_text": (32, 2, 2), "gpt_bigcode": (8, 1, 2), "t5": (96, 4, 3),
    "bart": (32, 2, 1),
}  # fmt: skip


@pytest.mark.parametrize("family", SIZES)
def test_a_prefix_has_the_sizes_of_the_layers_that_read_it(family, opened):
    base, given = opened(family, "prefix")
    config = methods.attach(base, given, lambda _: None).active_peft_config
    found = (config.token_dim, config.num_attention_heads, config.num_layers)
    assert found == SIZES[family]


def test_a_prefix_may_be_longer_than_a_window(opened):
    base, given = opened("mistral", "prefix", "method.num_virtual_tokens=12")
    model = methods.attach(base, given, lambda _: None)
    assert model.prompt_encoder["default"].embedding.weight.shape == (12, 2 * 2 * 16)


@pytest.mark.parametrize(
    ("method", "key", "message"),
    [
        ("prefix", "token_dim=80", "method.peft.token_dim: is 80, but in this model it is 32"),
        ("prefix", "num_layers=1", "method.peft.num_layers: is 1, but in this model it is 2"),
        ("prompt", "token_dim=16", "method.peft.token_dim: is 16, but in this model it is 32"),
    ],
)
def test_a_size_that_contradicts_the_model(method, key, message, opened):
    base, given = opened("qwen3", method, f"method.peft.{key}")
    with pytest.raises(RequestError) as raised:
        methods.check(base, given)
    assert str(raised.value) == f"{message}. Leave it out: it is measured."


def test_a_size_that_is_that_of_the_model(opened):
    base, given = opened("t5", "prefix", "method.peft.token_dim=96")
    methods.check(base, given)
    methods.attach(base, given, lambda _: None)
