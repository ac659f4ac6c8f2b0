"""Every recipe whose model or data lie on the hub runs on local folders of the same make.

A folder for the model has the architecture, the tokenizer's kind and the special tokens of the real
one, with small random weights; a folder for the data has its splits and columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipes import compose
from recipes.predict import main as predict
from recipes.run import one_run
from tunebook import folders
from tunebook.book.entries import entries
from tunebook.command.command import answer

HUB = [one.name for one in entries("recipe") if not one.offline]
ENGLISH = ["The old mill stands by the river.", "She sells seven red apples.", "How are you?",
           "name[Aromi], eatType[coffee shop], food[French]", "Translate English to French:",
           "Where did the story begin? It began in 1907."]  # fmt: skip
CHINESE = [
    "昨天第一座大桥正式通车。",
    "把下面的英文翻译成中文。",
    "用一句话概括这段文字,写成新闻标题。",
    "标题:",
]
TOGETHER = {"vocab_size": 512}
T5_1_1 = {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4,
          "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False}  # fmt: skip
STAND_INS: dict[str, tuple[str, dict[str, Any], str]] = {
    "t5_small": ("T5ForConditionalGeneration",
                 {**T5_1_1, "feed_forward_proj": "relu", "tie_word_embeddings": True}, "unigram"),
    "t5_small_lm_adapt": ("T5ForConditionalGeneration", T5_1_1, "unigram"),
    "mt5_small": ("MT5ForConditionalGeneration", T5_1_1, "unigram"),
    "gpt2": ("GPT2LMHeadModel", {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 1024},
             "bytes"),
    "qwen3_0_6b": ("Qwen3ForCausalLM", {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8,
        "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 1024},
        "bytes"),
}  # fmt: skip


def unigram_tokenizer() -> Any:
    """Like T5's: pieces with a bar for a space, </s> at the end, padding 0, unknown words."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from tokenizers.decoders import Metaspace
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.Unigram())
    made.normalizer = normalizers.NFKC()
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>",
                                      show_progress=False)  # fmt: skip
    made.train_from_iterator([*ENGLISH, *CHINESE] * 5, trainer)
    made.post_processor = processors.TemplateProcessing(single="$A </s>",
                                                        special_tokens=[("</s>", 1)])  # fmt: skip
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>",
                                   unk_token="<unk>")  # fmt: skip


def byte_tokenizer(*, pads: bool) -> Any:
    """Like GPT-2's, without a pad token, or like Qwen's: byte-level pairs, <|endoftext|> at 0."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=[end], show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())  # fmt: skip
    made.train_from_iterator([*ENGLISH, *CHINESE], trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=end,
                                   **({"pad_token": end} if pads else {}))  # fmt: skip


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a small random model made as the model option of that name is."""
    made: dict[str, Path] = {}

    def folder_of(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("hub") / name
            _save(made[name], *STAND_INS[name])
        return made[name]

    return folder_of


def _save(folder: Path, architecture: str, sizes: dict[str, Any], tokenizer: str) -> None:
    import torch
    import transformers

    torch.manual_seed(0)
    kind = getattr(transformers, architecture)
    tokens = {"pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0}
    if tokenizer == "bytes":
        tokens = {"eos_token_id": 0, "bos_token_id": 0}
    kind(kind.config_class(**{**TOGETHER, **tokens, **sizes})).save_pretrained(folder)
    made = unigram_tokenizer() if tokenizer == "unigram" else byte_tokenizer(
        pads=architecture != "GPT2LMHeadModel")  # fmt: skip
    made.save_pretrained(folder)


def _row(data: str, i: int) -> dict[str, Any]:
    rows: dict[str, dict[str, Any]] = {
        "squad": {"id": f"q{i}", "title": "T", "context": f"The story {i} began in {1900 + i}.",
                  "question": f"When did the story {i} begin?",
                  "answers": {"text": [str(1900 + i)], "answer_start": [18]}},
        "e2e_nlg": {"meaning_representation": f"name[Aromi {i}], food[French]",
                    "human_reference": f"Aromi {i} serves French food."},
        "lcsts": {"text": f"昨天第{i}座大桥正式通车。", "summary": f"第{i}座桥通车"},
        "wmt19_en_zh": {"translation": {"en": f"Bridge {i} is open.", "zh": f"第{i}座桥通车。"}},
    }  # fmt: skip
    return rows[data]


def _data_folder(name: str, folder: Path) -> Path:
    """Parquet files of the splits that the data option names, in the folder of its subset."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    settings = compose("task=qa" if name == "squad" else "task=translate", f"data={name}").data
    place = folder / (settings.subset or ".")
    place.mkdir(parents=True)
    for number, split in enumerate(filter(None, settings.splits.values())):
        rows = [_row(name, 100 * number + i) for i in range(40)]
        pq.write_table(pa.Table.from_pylist(rows), place / f"{split}-00000-of-00001.parquet")
    return folder


def _words(name: str, stand_in: Callable[[str], Path], folder: Path) -> list[str]:
    settings = compose(f"recipe={name}")
    words = [f"recipe={name}", f"model.path={stand_in(settings.model.name)}", "debug=true",
             f"outputs={folder / 'outputs'}"]  # fmt: skip
    if settings.data.source == "hub":
        words.append(f"data.path={_data_folder(settings.data.name, folder / 'data')}")
    return words


def test_every_hub_model_has_a_stand_in() -> None:
    assert {compose(f"recipe={name}").model.name for name in HUB} == set(STAND_INS)
    assert len(folders.options("recipe")) >= 16


@pytest.mark.sample("squad_t5_prompt", "lcsts_qwen3_prompt", "e2e_gpt2_prefix")
@pytest.mark.parametrize("name", HUB)
def test_a_hub_recipe_runs_and_answers(
    name: str, stand_in: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = _words(name, stand_in, tmp_path)
    assert answer(words, one_run, "recipes.run") == 0
    (file,) = (tmp_path / "outputs").rglob("metrics.json")
    metrics = json.loads(file.read_text(encoding="utf-8"))
    assert metrics["model"] == compose(f"recipe={name}").model.name
    assert metrics["loss"]["validation"] > 0
    assert (file.parent / "adapter" / "adapter_model.safetensors").exists()
    capsys.readouterr()
    asked = ["--question", "When?", "--context", "In 1907."] if "squad" in name else [
        "--text", "How are you?"]  # fmt: skip
    assert predict([str(file.parent), *asked]) == 0
    assert capsys.readouterr().out.endswith("\n")


@pytest.mark.sample("e2e_gpt2_lora")
@pytest.mark.parametrize("name", HUB)
def test_a_hub_recipe_is_rehearsed(
    name: str, stand_in: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [*_words(name, stand_in, tmp_path), "dry_run=true"]
    assert answer(words, one_run, "recipes.run") == 0
    said = capsys.readouterr().out
    assert "the run would take about" in said
    assert not (tmp_path / "outputs").exists()
