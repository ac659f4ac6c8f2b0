"""A trained run tells beside its own scores what the untouched model gets with the instruction."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import tunebook
from tunebook import folders, report
from tunebook.settings import Settings
from tunebook.templates.template import BARE, INSTRUCTION

Files = Callable[[str], list[str]]
Compose = Callable[..., Settings]


def words(base: Path, files: list[str], *more: str) -> list[str]:
    return [*files, f"model.path={base}", "training.max_steps=2", "training.learning_rate=0.1",
            "decoding.max_new_tokens=6", *more]  # fmt: skip


@pytest.mark.sample("llama-dialogue")
@pytest.mark.parametrize(("family", "task"), [("t5", "summarize"), ("llama", "dialogue")])
def test_the_score_is_that_of_the_baseline_and_computed_once(
    family: str, task: str, tiny_models: dict[str, Path], task_files: Files, settings: Compose
) -> None:
    said: list[str] = []
    shared = words(tiny_models[family], task_files(task))
    trained = tunebook.run(settings(*shared, "method=prompt"), said.append).metrics
    assert not [line for line in said if "are kept" in line]
    baseline = tunebook.run(settings(*shared, "method=instruction"), said.append).metrics
    assert [line for line in said if "before: answers of the untouched model are kept" in line]
    assert trained["instruction"] == baseline["after"]
    assert "instruction" not in baseline
    tunebook.run(settings(*shared, "method=lora"), said.append)
    assert [line for line in said if "instruction: answers of the untouched model are kept" in line]


def test_it_can_be_left_out_and_changes_nothing_else(
    t5_folder: Path, task_files: Files, settings: Compose, tmp_path: Path
) -> None:
    shared = words(t5_folder, task_files("qa"), "method=prompt")
    quick = tunebook.run(settings(*shared, "score_instruction=false"))
    assert "instruction" not in quick.metrics
    assert len(list((tmp_path / "outputs" / ".before").iterdir())) == 1
    whole = tunebook.run(settings(*shared, "again=true"))
    assert whole.folder == quick.folder
    assert whole.metrics["after"] == quick.metrics["after"]
    assert len(list((tmp_path / "outputs" / ".before").iterdir())) == 2


def test_an_example_that_does_not_fit_behind_it_leaves_the_score_out(
    llama_folder: Path, task_files: Files, settings: Compose
) -> None:
    said: list[str] = []
    long = f"task.instruction={' '.join(['Say it.'] * 60)}"
    shared = words(llama_folder, task_files("summarize"), "method=lora", long)
    assert "instruction" not in tunebook.run(settings(*shared), said.append).metrics
    assert "instruction: not scored, for an example does not fit behind it" in said


def test_table_and_card_show_it(
    t5_folder: Path, task_files: Files, settings: Compose, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = words(t5_folder, task_files("summarize"), "method=prompt")
    result = tunebook.run(settings(*shared), lambda _: None)
    report.show(result.folder)
    shown = capsys.readouterr().out
    header, row = (next(line for line in shown.splitlines() if one in line)
                   for one in ("over instruction", "rougeL "))  # fmt: skip
    assert [cell.strip() for cell in header.strip("┃").split("┃")] == [
        "metric", "before", "instruction", "after", "over instruction", "gain"
    ]  # fmt: skip
    before, plain, after = (result.metrics[name]["rougeL"]
                            for name in ("before", "instruction", "after"))  # fmt: skip
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "rougeL ↑", f"{before:.2f}", f"{plain:.2f}", f"{after:.2f}", f"{after - plain:+.2f}",
        f"{after - before:+.2f}"
    ]  # fmt: skip
    assert max(len(line) for line in shown.splitlines() if "rouge" in line) < 88
    card = (result.folder / "README.md").read_text(encoding="utf-8")
    assert f"| rougeL | {before:.2f} | {plain:.2f} | {after:.2f} |" in card


@pytest.mark.parametrize(("name", "text"), [("bare", BARE), ("instruction", INSTRUCTION)])
def test_the_template_is_the_option_of_that_name(name: str, text: str) -> None:
    file = folders.options("template")[name]
    assert yaml.safe_load(file.read_text(encoding="utf-8"))["text"] == text
