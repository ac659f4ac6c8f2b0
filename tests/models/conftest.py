"""Tiny random models of many architectures, each as the folder that save_pretrained writes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

VOCABULARY = 320

LLAMA_LIKE = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 128,
}
T5_LIKE = {
    "vocab_size": VOCABULARY,
    "d_model": 32,
    "d_kv": 8,
    "d_ff": 48,
    "num_layers": 1,
    "num_decoder_layers": 3,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
ARCHITECTURES: dict[str, tuple[str, dict]] = {
    "t5": ("T5ForConditionalGeneration", T5_LIKE | {"n_positions": 512}),
    "mt5": ("MT5ForConditionalGeneration", T5_LIKE | {"tie_word_embeddings": False}),
    "bart": ("BartForConditionalGeneration", {
        "vocab_size": VOCABULARY, "d_model": 32, "encoder_layers": 1, "decoder_layers": 2,
        "encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 48,
        "decoder_ffn_dim": 48, "max_position_embeddings": 96}),
    "gpt2": ("GPT2LMHeadModel", {
        "vocab_size": VOCABULARY, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64}),
    "llama": ("LlamaForCausalLM", LLAMA_LIKE),
    "qwen3": ("Qwen3ForCausalLM", LLAMA_LIKE),
    "mistral": ("MistralForCausalLM", LLAMA_LIKE | {"sliding_window": 16}),
    "gemma": ("GemmaForCausalLM", LLAMA_LIKE | {"num_key_value_heads": 1}),
    "gemma2": ("Gemma2ForCausalLM", LLAMA_LIKE | {"sliding_window": 16}),
    "bloom": ("BloomForCausalLM", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "n_layer": 2, "n_head": 4}),
    "bert": ("BertForMaskedLM", {
        "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 4, "intermediate_size": 48}),
}  # fmt: skip


def save_tokenizer(folder: Path, pad: bool = True, end: bool = True) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    special = {"eos_token": "</s>", "pad_token": "<pad>"}
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "</s>"], initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(["the cat sat on the mat and the dog sat on the cat"], trainer)
    named = {k: v for k, v in special.items() if {"eos_token": end, "pad_token": pad}[k]}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(folder)


def save_model(folder: Path, architecture: str, **changes: object) -> None:
    import torch
    import transformers

    name, sizes = ARCHITECTURES[architecture]
    model_class = getattr(transformers, name)
    torch.manual_seed(0)
    tokens = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 1}
    model_class(model_class.config_class(**tokens | sizes | changes)).save_pretrained(folder)


@pytest.fixture
def tiny() -> SimpleNamespace:
    """`save_model` and `save_tokenizer`, for models of other make."""
    return SimpleNamespace(save_model=save_model, save_tokenizer=save_tokenizer)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny random model; shared, so leave it as it is."""
    folders: dict[str, Path] = {}

    def folder_of(architecture: str) -> Path:
        if architecture not in folders:
            folders[architecture] = tmp_path_factory.mktemp(architecture)
            save_model(folders[architecture], architecture)
            save_tokenizer(folders[architecture])
        return folders[architecture]

    return folder_of


@pytest.fixture
def copied(built: Callable[[str], Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the folder, to be broken."""

    def copy(architecture: str) -> Path:
        return Path(shutil.copytree(built(architecture), tmp_path / architecture))

    return copy
