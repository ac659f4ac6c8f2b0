"""The same model, adapter and rows for all sides of a measurement."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path
from typing import Any

import torch

from tunebook import methods
from tunebook.bench.settings import SHAPES, Request, model_path
from tunebook.engine import prepare
from tunebook.models.base import Base, load
from tunebook.models.facts import ModelFacts, facts_of
from tunebook.schema import ModelSettings, Settings
from tunebook.settings import settings_from
from tunebook.text import EncodedRows

FIRST = 3
"""Ids below are padding, start and end."""
ENDS = 0.03
"""A random model ends a text at any of this share of its vocabulary, so that, as in life, some rows
of a batch are done early."""
AS_STOCK = {
    "optim": "adamw_torch",
    "lr_scheduler_type": "linear",
    "weight_decay": 0.0,
    "keep_best": False,
    "arguments": {
        "eval_strategy": "no",
        "save_strategy": "no",
        "eval_on_start": False,
        "train_sampling_strategy": "sequential",
    },
}
RATES = {"prompt": 3e-2, "prefix": 5e-3, "lora": 2e-4}


class NumberTokenizer:
    """For random weights: a token's text is its number."""

    pad_token_id, eos_token_id, all_special_ids = 0, 2, (0, 1, 2)

    def __init__(self, vocabulary: int) -> None:
        self.vocabulary = vocabulary

    def __len__(self) -> int:
        return self.vocabulary

    def decode(self, ids: list[int], **_: Any) -> str:
        """The numbers, special ones left out."""
        return " ".join(str(i) for i in ids if i >= FIRST)


def place(request: Request) -> tuple[str, str]:
    """(device, number format)."""
    device = request.bench.device or ("cuda" if torch.cuda.is_available() else "cpu")
    return device, request.bench.dtype or ("bfloat16" if device == "cuda" else "float32")


def load_base(request: Request) -> Base:
    """The frozen model on its device: real weights, or random ones of a shape."""
    device, dtype = place(request)
    if request.model is None:
        return _random_base(request.bench.shape, device, dtype)
    path = model_path(request.model)
    settings = ModelSettings(name=path, path=path, device=device, dtype=dtype, matmul="torch")
    return load(settings, facts_of(settings), lambda _: None)


def _random_base(shape: str, device: str, dtype: str) -> Base:
    import transformers

    numbers = dict(SHAPES[shape])
    ids = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 0}
    config = transformers.AutoConfig.for_model(numbers.pop("model_type"), **numbers, **ids)
    seq2seq = config.is_encoder_decoder
    auto: Any = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    torch.manual_seed(0)
    with torch.device(device):
        model = auto.from_config(config, dtype=getattr(torch, dtype))
    model = model.eval().requires_grad_(False)
    _spread_out(model)
    ends = random.Random(0).sample(range(FIRST, config.vocab_size), int(ENDS * config.vocab_size))
    model.generation_config.eos_token_id = sorted([2, *ends])
    return Base(model, NumberTokenizer(config.vocab_size), _facts(shape, config), device, dtype)


@torch.no_grad()
def _spread_out(model: Any) -> None:
    """Weights with which a text depends on all that stands before it, and wanders."""
    for module in model.modules():
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and not isinstance(module, torch.nn.Embedding):
            weight.normal_(0, 1.5 / math.sqrt(min(weight.shape)))


def _facts(shape: str, config: Any) -> ModelFacts:
    known = {
        "path": shape,
        "config": Path("config.json"),
        "family": "encoder-decoder" if config.is_encoder_decoder else "decoder-only",
        "model_type": config.model_type,
        "architecture": shape,
        "vocabulary": config.vocab_size,
    }
    names = (field.name for field in dataclasses.fields(ModelFacts))
    facts: dict[str, Any] = {name: known.get(name) for name in names}
    return ModelFacts(**facts)


def training_rows(request: Request, base: Base) -> EncodedRows:
    """Random rows of one length, for all steps of a process; the same every time."""
    bench, rows = request.bench, EncodedRows()
    for number in range(bench.batch * (bench.warmup + bench.steps)):
        ids = tokens(base, bench.length, number)
        split = bench.length - request.target
        rows.sources.append(ids[:split])
        rows.targets.append(ids[split:])
        rows.rows.append(number)
    return rows


def sources(request: Request, base: Base) -> list[list[int]]:
    """Sources to generate for: lengths drawn evenly from length / 4 to 2 length."""
    bench, draw = request.bench, random.Random(1)
    lengths = [draw.randint(bench.length // 4, 2 * bench.length) for _ in range(bench.examples)]
    return [tokens(base, length, number) for number, length in enumerate(lengths)]


def tokens(base: Base, count: int, seed: int) -> list[int]:
    """Random ids of ordinary tokens."""
    draw, top = random.Random(seed), int(base.facts.vocabulary or len(base.tokenizer))
    return [draw.randrange(FIRST, top) for _ in range(count)]


def our_model(request: Request, base: Base) -> Any:
    """`base.model` with the method of this project."""
    prepare(base, request.bench.matmul, lambda _: None)
    return _alike(methods.attach(base, settings_for(request), lambda _: None))


def stock_model(request: Request, base: Base) -> Any:
    """`base.model` with the same method, by get_peft_model alone, as PEFT's documentation does."""
    from peft import LoraConfig, PrefixTuningConfig, PromptTuningConfig, get_peft_model

    seq2seq = base.facts.family == "encoder-decoder"
    task = "SEQ_2_SEQ_LM" if seq2seq else "CAUSAL_LM"
    if request.method == "lora":
        config: Any = LoraConfig(task_type=task, r=8, lora_alpha=16, target_modules="all-linear")
    else:
        kind = PrefixTuningConfig if request.method == "prefix" else PromptTuningConfig
        config = kind(task_type=task, num_virtual_tokens=request.bench.virtual)
    return _alike(get_peft_model(base.model, config))


@torch.no_grad()
def _alike(model: Any) -> Any:
    """With the same first values on all sides; what starts at zero stays there."""
    draw = torch.Generator().manual_seed(0)
    for _, parameter in sorted(model.named_parameters()):
        if parameter.requires_grad and bool(parameter.any()):
            parameter.copy_(torch.randn(parameter.shape, generator=draw) * 0.1)
    return model


def settings_for(request: Request) -> Settings:
    """Settings of this project that train as asked for: no validation but one at the end."""
    bench, kind = request.bench, request.method
    steps = bench.warmup + bench.steps
    soft = {} if kind == "lora" else {"num_virtual_tokens": bench.virtual, "init": "random"}
    of_request = {"learning_rate": RATES[kind], "batch_size": bench.batch}
    once = dict.fromkeys(("max_steps", "eval_steps", "logging_steps"), steps)
    decoding = {"max_new_tokens": bench.new_tokens, "batch_size": bench.decoding_batch}
    return settings_from(
        {
            "task": {"name": "bench", "kind": "summarize", "headline": "rouge1"},
            "data": {"name": "bench", "source": "files"},
            "model": {"name": request.name},
            "method": {"name": kind, "kind": kind, **soft},
            "template": {"name": "bench", "text": ""},
            "training": {**AS_STOCK, **of_request, **once},
            "decoding": decoding,
        }
    )
