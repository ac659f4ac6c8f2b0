"""Tiny runs of every method on both families, made once and shared: copy before breaking one."""

from __future__ import annotations

import contextlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prediction_rows import FIELDS, TEXT, rows, write_jsonl

VOCABULARY = 300
RATES = {"prompt": 5.0, "prefix": 1.0, "lora": 0.05, "full": 0.05}


def _save_tokenizer(folder: Path, ends: bool) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator([TEXT], trainer)
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="$A </s>", special_tokens=[("</s>", 1)]
        )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>"
    )
    wrapped.save_pretrained(folder)


def _save_model(folder: Path, family: str) -> None:
    import torch
    import transformers

    torch.manual_seed(1)
    tokens = {"vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": 1,
              "bos_token_id": 1}  # fmt: skip
    if family == "t5":
        config: Any = transformers.T5Config(
            d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2, decoder_start_token_id=0,
            **tokens,
        )  # fmt: skip
        model: Any = transformers.T5ForConditionalGeneration(config)
    else:
        config = transformers.LlamaConfig(
            hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=160, initializer_range=0.5, **tokens,
        )  # fmt: skip
        model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(folder)
    _save_tokenizer(folder, ends=family == "t5")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with models t5 and llama and data of each task, and a datasets cache of its own."""
    import datasets

    folder = tmp_path_factory.mktemp("predicting")
    for family in ("t5", "llama"):
        _save_model(folder / family, family)
    for task in FIELDS:
        for split, first, count in (("train", 0, 24), ("validation", 30, 4), ("test", 50, 9)):
            write_jsonl(folder / f"{task}.{split}.jsonl", rows(task, first, count))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")
        yield folder


@pytest.fixture(scope="session")
def run_of(house: Path) -> Callable[..., Path]:
    """The folder of a run: run_of("prompt", "llama", "translate", "seed=1")."""
    made: dict[tuple[str, ...], Path] = {}

    def folder_of(
        method: str = "lora", family: str = "llama", task: str = "translate", *words: str
    ) -> Path:
        key = (method, family, task, *words)
        if key not in made:
            made[key] = _run(house, *key)
        return made[key]

    return folder_of


def _run(house: Path, method: str, family: str, task: str, *words: str) -> Path:
    import tunebook
    from recipes import compose
    from tunebook.methods import options_of

    baseline = method == "zero_shot"
    splits = ("train", "validation", "test")
    settings = compose(
        f"task={task}", "data=files", *(f"data.{s}={house}/{task}.{s}.jsonl" for s in splits),
        f"model.path={house / family}", f"method={'lora' if baseline else method}",
        f"outputs={house / 'outputs'}", "decoding.max_new_tokens=6", "decoding.batch_size=4",
        "training.max_steps=4", "training.batch_size=8", "training.eval_steps=4",
        f"training.learning_rate={RATES.get(method, 1)}", *words,
    )  # fmt: skip
    if baseline:
        settings.method = options_of("baseline")(name=method, kind="baseline")
    with contextlib.redirect_stdout(io.StringIO()):
        return tunebook.run(settings, say=lambda line: None).folder


@pytest.fixture
def a_run(run_of: Callable[..., Path], tmp_path: Path) -> Path:
    """A copy of one run, to be broken."""
    return Path(shutil.copytree(run_of(), tmp_path / "a_run"))
