"""Predictor: the same answers as in the run, and clear refusals."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from prediction_rows import read_jsonl, rows

from tunebook.errors import RequestError
from tunebook.predicting import FinishedRun, Predictor


def quiet(line: str) -> None:
    """Say nothing."""


def trained_answers(run: Path) -> tuple[list[str], list[str]]:
    kept = read_jsonl(run / "predictions.jsonl")
    return [row["before"] for row in kept], [row["after"] for row in kept]


@pytest.mark.parametrize("family", ["llama", "t5"])
@pytest.mark.parametrize("method", ["prompt", "prefix", "lora", "full"])
def test_answers_are_those_of_the_run(
    run_of: Callable[..., Path], method: str, family: str
) -> None:
    run = run_of(method, family)
    before, after = trained_answers(run)
    assert before != after, "the run learned nothing, so this would show nothing"
    assert Predictor.open(run, quiet).predict(rows("translate", 50, 9)) == after


@pytest.mark.parametrize("task", ["qa", "dialogue"])
def test_several_fields_and_several_turns(run_of: Callable[..., Path], task: str) -> None:
    run = run_of("lora", "llama", task)
    wanted = trained_answers(run)[1]
    assert Predictor.open(run, quiet).predict(rows(task, 50, 9)) == wanted


def test_a_baseline_answers_with_the_base_model(run_of: Callable[..., Path]) -> None:
    run = run_of("zero_shot")
    predictor = Predictor.open(run, quiet, batch_size=1)
    assert predictor.predict(rows("translate", 50, 9)) == trained_answers(run)[0]


def test_rows_that_cannot_be_answered_say_why(run_of: Callable[..., Path]) -> None:
    predictor = Predictor.open(run_of("lora", "llama", "qa"), quiet)
    good = {"context": "the cat", "question": "who?"}
    given = [good, {**good, "context": " "}, {"context": None, "question": ""},
             {**good, "question": "who " * 200}, {**good, "context": "cat " * 400}]  # fmt: skip
    answers = predictor.answer(given)
    assert [a.error for a in answers] == [
        None, "context is empty", "context and question are empty",
        "does not fit into 154 tokens although cut", None,
    ]  # fmt: skip
    assert [a.text is None for a in answers] == [False, True, True, True, False]
    assert [a.cut for a in answers] == [False, False, False, False, True]
    with pytest.raises(RequestError, match=r"row 2: context is empty"):
        predictor.predict(given)
    with pytest.raises(RequestError, match=r"row 1: lacks question. qa reads context and question"):
        predictor.predict([{"context": "the cat"}])
    assert predictor.predict([]) == []


def test_broken_halves_of_characters_are_replaced(run_of: Callable[..., Path]) -> None:
    predictor = Predictor.open(run_of(), quiet)
    assert predictor.predict([{"source": "a\ud800b"}]) == predictor.predict(
        [{"source": "a\ufffdb"}]
    )


def test_versions_and_arithmetic_that_differ_are_told(a_run: Path) -> None:
    made_with = json.loads((a_run / "environment.json").read_text())
    made_with["packages"]["peft"] = "0.1"
    made_with["dtype"] = "bfloat16"
    (a_run / "environment.json").write_text(json.dumps(made_with))
    said: list[str] = []
    Predictor.open(a_run, said.append)
    assert any("peft 0.1 (today" in line for line in said)
    assert any("scored in bfloat16, this is float32" in line for line in said)


def test_a_pickled_adapter_is_never_opened(a_run: Path) -> None:
    (a_run / "adapter" / "adapter_model.safetensors").unlink()
    torch.save({}, a_run / "adapter" / "adapter_model.bin")
    with pytest.raises(RequestError, match=r"lacks adapter_model.safetensors. Make the run again"):
        FinishedRun.read(a_run)


@pytest.mark.parametrize("method", ["prompt", "lora"])
def test_an_adapter_of_another_model_is_refused(
    run_of: Callable[..., Path], tmp_path: Path, method: str
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig

    wide = LlamaConfig(vocab_size=300, hidden_size=32, intermediate_size=32, num_hidden_layers=2,
                       num_attention_heads=2, max_position_embeddings=160)  # fmt: skip
    AutoModelForCausalLM.from_config(wide).save_pretrained(tmp_path / "wide")
    run = FinishedRun.read(run_of(method))
    run.made_with.pop("model_content", None)
    tokenizer = AutoTokenizer.from_pretrained(run.settings.model.path)
    tokenizer.save_pretrained(tmp_path / "wide")
    with pytest.raises(RequestError, match="the adapter cannot be loaded"):
        Predictor.open(run, quiet, model=str(tmp_path / "wide"))


def test_a_damaged_adapter_is_refused(a_run: Path) -> None:
    (a_run / "adapter" / "adapter_model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(RequestError, match="the adapter cannot be loaded"):
        Predictor.open(a_run, quiet)


def test_a_base_model_that_moved_or_changed(a_run: Path, house: Path, tmp_path: Path) -> None:
    from tunebook.models.facts import content_of

    run = FinishedRun.read(a_run)
    made_with = {**run.made_with, "model_content": content_of(run.settings.model)}
    (a_run / "environment.json").write_text(json.dumps(made_with))
    text = (a_run / "settings.yaml").read_text()
    (a_run / "settings.yaml").write_text(text.replace(str(house / "llama"), "/gone"))
    with pytest.raises(RequestError, match=r"no folder /gone.*name its folder with --model"):
        Predictor.open(a_run, quiet)
    moved = Path(shutil.copytree(house / "llama", tmp_path / "moved"))
    wanted = trained_answers(a_run)[1]
    predictor = Predictor.open(a_run, quiet, model=str(moved))
    assert predictor.predict(rows("translate", 50, 9)) == wanted
    config = json.loads((moved / "config.json").read_text())
    (moved / "config.json").write_text(json.dumps({**config, "rms_norm_eps": 0.1}))
    with pytest.raises(RequestError, match="its content has changed"):
        Predictor.open(a_run, quiet, model=str(moved))


def test_a_whole_model_needs_no_base(
    run_of: Callable[..., Path], house: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(run_of("full"), tmp_path / "full"))
    text = (run / "settings.yaml").read_text()
    (run / "settings.yaml").write_text(text.replace(str(house / "llama"), "/gone"))
    wanted = trained_answers(run)[1]
    assert Predictor.open(run, quiet).predict(rows("translate", 50, 9)) == wanted
