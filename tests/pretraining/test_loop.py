"""A few steps of pretraining: the loss falls, the folder loads, the same seed gives the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from tunebook.pretraining import loop, settings, vocabulary
from tunebook.pretraining.batches import IGNORED, batches, corrupted
from tunebook.pretraining.loop import batch_loss, build, random_prompt

TINY = {"width": "16", "heads": "2", "layers": "1", "decoder_layers": "1", "inner": "32",
        "vocabulary": "600", "batch": "4", "minutes": "5", "bfloat16": "0"}  # fmt: skip


@pytest.fixture(autouse=True)
def small_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    train = vocabulary.train
    monkeypatch.setattr(vocabulary, "train", lambda size, family: train(size, family, 200))


def tiny(model: str, **more: str) -> settings.PretrainingSettings:
    return settings.resolve({"model": model, **TINY, **more})


@pytest.mark.parametrize("name", sorted(settings.DEFAULTS))
def test_a_short_run_writes_a_folder_that_loads(name: str, tmp_path: Path) -> None:
    said: list[str] = []
    loop.pretrain(tiny(name, steps="60"), tmp_path / name, said.append)
    log = [json.loads(line) for line in (tmp_path / name / "training_log.jsonl").open()]
    assert log[-1]["step"] == 60
    assert log[-1]["loss"] < log[0]["loss"]
    config = AutoConfig.from_pretrained(tmp_path / name)
    family = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    model = family.from_pretrained(tmp_path / name)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / name)
    made = model.generate(**tokenizer("Anna sold a lamp.", return_tensors="pt"), max_new_tokens=3)
    assert made.shape[0] == 1
    assert f"steps={60}" in (tmp_path / name / "README.md").read_text()
    assert not list(tmp_path.glob("*.draft"))


@pytest.mark.parametrize("name", sorted(settings.DEFAULTS))
def test_the_same_seed_gives_the_same_weights(name: str, tmp_path: Path) -> None:
    for attempt in ("a", "b"):
        loop.pretrain(tiny(name, steps="5"), tmp_path / attempt, lambda _: None)
    first = (tmp_path / "a" / "model.safetensors").read_bytes()
    assert first == (tmp_path / "b" / "model.safetensors").read_bytes()


@pytest.mark.parametrize("name", sorted(settings.DEFAULTS))
def test_the_loss_is_that_of_transformers_when_nothing_stands_in_front(name: str) -> None:
    chosen = tiny(name, prompted="0", source_share="0")
    tokenizer = vocabulary.train(chosen.vocabulary, chosen.encoder_decoder)
    torch.manual_seed(0)
    model = build(chosen, tokenizer)
    batch = next(batches(tokenizer, chosen, lambda: 0.5, "test"))
    expected = model(input_ids=batch.ids, attention_mask=batch.mask, labels=batch.labels).loss
    assert batch_loss(model, batch, chosen).item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("name", sorted(settings.DEFAULTS))
def test_an_untrained_base_guesses_evenly(name: str) -> None:
    """Embeddings of width 1 must not make it sure of itself: near ln(600) = 6.4."""
    chosen = tiny(name, prompted="0", source_share="0", spread="1")
    tokenizer = vocabulary.train(chosen.vocabulary, chosen.encoder_decoder)
    torch.manual_seed(0)
    batch = next(batches(tokenizer, chosen, lambda: 0.5, "test"))
    model = build(chosen, tokenizer)
    assert model.get_input_embeddings().weight.std().item() == pytest.approx(1, abs=0.05)
    assert batch_loss(model, batch, chosen).item() == pytest.approx(6.4, abs=1.0)


def test_span_corruption_loses_no_token() -> None:
    from random import Random

    ids = list(range(100, 180))
    row = corrupted(ids, Random(3))
    marks = [token for token in row.source if token < 34 and token > 1]
    assert marks == sorted(marks)
    rest = {token for token in row.source + row.target if token >= 100}
    assert rest == set(ids)
    assert row.source[-1] == row.target[-1] == 1


def test_random_prompts_have_every_length_and_no_gradient() -> None:
    torch.manual_seed(0)
    embeddings = torch.nn.Parameter(torch.randn(50, 8))
    prompts = [random_prompt(embeddings, 2, tiny("tiny_t5", prompted="1")) for _ in range(200)]
    lengths = {prompt.shape[1] for prompt in prompts}
    assert min(lengths) == 1
    assert max(lengths) > 40
    assert not any(prompt.requires_grad for prompt in prompts)


def test_padding_is_neither_read_nor_learned() -> None:
    chosen = tiny("tiny_llama")
    tokenizer = vocabulary.train(600, False)
    batch = next(batches(tokenizer, chosen, lambda: 0.5, "test"))
    assert ((batch.labels == IGNORED) | (batch.mask == 1)).all()
    assert ((batch.weights > 0) <= (batch.mask == 1)).all()


@pytest.mark.parametrize(("arguments", "words"), [
    (["model=big"], ["big", "tiny_llama", "tiny_t5"]),
    (["steps=many", "layers=0", "colour=red"], ["steps=many", "layers=0", "colour=red"]),
    (["quickly"], ["quickly", "key=value"]),
])  # fmt: skip
def test_a_wrong_request_exits_with_2_and_names_every_fault(
    arguments: list[str], words: list[str]
) -> None:
    command = [sys.executable, "-m", "recipes.pretrain", *arguments]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert all(word in done.stderr for word in words)
