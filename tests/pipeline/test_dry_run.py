"""A dry run: true counts, tokens and loss of a real example, an estimate, and nothing written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import tunebook
from recipes import compose
from tunebook.errors import RunFailed
from tunebook.pipeline.dry_run.estimate import Estimate, words_for

Files = Callable[[str], list[str]]


def rehearsed(words: list[str], folder: Path) -> tuple[list[str], tunebook.Result]:
    """What a dry run says, and what it returns."""
    said: list[str] = []
    words = [*words, "dry_run=true", f"outputs={folder / 'outputs'}"]
    return said, tunebook.run(compose(*words), said.append)


def the(said: list[str], begin: str) -> str:
    (text,) = [text for text in said if text.startswith(begin)]
    return text


@pytest.mark.sample("prompt-llama", "lora-t5")
@pytest.mark.parametrize("family", ["t5", "llama"])
@pytest.mark.parametrize("method", ["prompt", "prefix", "lora"])
def test_it_tells_counts_tokens_and_costs_and_writes_nothing(
    family: str, method: str, tiny_models: dict[str, Path], task_files: Files, tmp_path: Path
) -> None:
    words = [*task_files("translate"), f"method={method}", f"model.path={tiny_models[family]}",
             "training.max_steps=40"]  # fmt: skip
    said, result = rehearsed(words, tmp_path)
    rows = [line.split() for line in the(said, "split").splitlines()]
    assert [row[:2] for row in rows[1:]] == [["train", "48"], ["validation", "12"], ["test", "12"]]
    example = next(text for text in said if "the model reads" in text)
    assert ("20 learned positions" in example) == (method != "lora")
    assert result.metrics["seconds"]["train"] > 0
    assert result.metrics["seconds"]["total"] >= sum(
        result.metrics["seconds"][part] for part in ("load", "train", "evaluate")
    ) - 1e-6  # fmt: skip
    assert result.metrics["peak_memory_bytes"] > 1e7
    assert list(tmp_path.iterdir()) == []


@pytest.mark.sample("llama")
@pytest.mark.parametrize("family", ["t5", "llama"])
def test_the_tokens_that_carry_loss_are_those_of_the_target(
    family: str, tiny_models: dict[str, Path], task_files: Files, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    words = [*task_files("translate"), "method=lora", f"model.path={tiny_models[family]}",
             "training.max_steps=2"]  # fmt: skip
    said, _ = rehearsed(words, tmp_path)
    example = next(text for text in said if "the model reads" in text)
    head, read, learned_head, learned = example.splitlines()[-4:]
    tokenizer = AutoTokenizer.from_pretrained(tiny_models[family])
    target = tokenizer("Anna vend apples.", add_special_tokens=False)["input_ids"]
    assert f"{len(target) + 1} tokens" in learned_head  # and the end
    pieces = learned.strip().split("│")
    assert pieces[-1] == tokenizer.eos_token
    assert "".join(pieces[:-1]).replace(" ", "") == "Annavendapples."
    assert len(read.strip().split("│")) == int(re.search(r"\d+", head)[0])  # type: ignore[index]


def test_the_trained_numbers_are_those_of_the_run(
    t5_folder: Path, task_files: Files, tmp_path: Path
) -> None:
    words = [*task_files("qa"), "method=lora", f"model.path={t5_folder}", "training.max_steps=3"]
    _, result = rehearsed(words, tmp_path)
    run = tunebook.run(compose(*words, f"outputs={tmp_path / 'outputs'}"), lambda _: None)
    assert result.metrics["parameters"] == run.metrics["parameters"]
    assert result.folder == run.folder


def test_a_baseline_trains_nothing(t5_folder: Path, task_files: Files, tmp_path: Path) -> None:
    words = [*task_files("qa"), "method=zero_shot", f"model.path={t5_folder}"]
    said, result = rehearsed(words, tmp_path)
    assert result.metrics["seconds"]["train"] == 0
    assert result.metrics["parameters"]["trainable"] == 0
    assert "training" not in the(said, "the run would take")
    assert "it should answer" in next(text for text in said if "the model reads" in text)


def test_cut_rows_are_counted(t5_folder: Path, task_files: Files, tmp_path: Path) -> None:
    words = [*task_files("translate"), "method=lora", f"model.path={t5_folder}",
             "template.max_source_tokens=10", "training.max_steps=2"]  # fmt: skip
    said, _ = rehearsed(words, tmp_path)
    assert "48 (100%)" in the(said, "split")


def test_a_finished_run_is_told(t5_folder: Path, task_files: Files, tmp_path: Path) -> None:
    words = [*task_files("qa"), "method=lora", f"model.path={t5_folder}", "debug=true"]
    tunebook.run(compose(*words, f"outputs={tmp_path / 'outputs'}"), lambda _: None)
    said, _ = rehearsed(words, tmp_path)
    assert "which is finished already" in said[-1]
    assert "answers before kept from an earlier run" in the(said, "the run would take")


def test_the_estimate_adds_up() -> None:
    estimate = Estimate(load=2, before=10, scores=1, steps=100, passes=1.5, step=0.5,
                        around_training=3, validations=11, validation=2, after=20,
                        peak_memory_bytes=1_500_000_000)  # fmt: skip
    assert estimate.seconds() == {"load": 2, "train": 75, "evaluate": 31, "total": 108}
    words = words_for(estimate, "cpu")
    assert "about 2 min" in words
    assert "100 steps of 0.5 s: 1.5 passes" in words
    assert "about 1.5 GB" in words


def test_a_full_memory_is_told_in_one_line(t5_folder, task_files, tmp_path, monkeypatch):
    def full(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 9 bytes\nat line")

    monkeypatch.setattr("tunebook.pipeline.steps.load_base", full)
    with pytest.raises(RunFailed) as raised:
        rehearsed([*task_files("translate"), f"model.path={t5_folder}"], tmp_path)
    assert str(raised.value).startswith("RuntimeError: DefaultCPUAllocator: can't allocate memory")
    assert str(raised.value).endswith("Lower training.batch_size and raise training.gradient_"
                                      "accumulation_steps")  # fmt: skip
