"""What a real sweep leaves for the comparison: the page, corpus counts, tokens that were added."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recipes.run import one_run
from tunebook.command.command import answer
from tunebook.comparison import load
from tunebook.comparison.examples import read_examples
from tunebook.metrics.corpus import statistics_of
from tunebook.sweep.ending import REPORT, report_written

QUICK = ("training.max_steps=2", "training.batch_size=4", "decoding.max_new_tokens=8")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]


def test_a_sweep_leaves_a_page_and_what_a_comparison_needs(
    t5_folder: Path, task_files: Callable[[str], list[str]], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    outputs = tmp_path / "outputs"
    words = ["-m", *task_files("translate"), f"model.path={t5_folder}", f"outputs={outputs}"]
    words += ["method=zero_shot,instruction,prompt", *QUICK]
    assert answer(words, one_run, "recipes.run") == 0
    assert f"tunebook: report: {outputs / REPORT}\n" in capsys.readouterr().err
    page = (outputs / REPORT).read_text()
    assert all(f">{name}<" in page for name in ("zero_shot", "instruction", "prompt"))
    runs = {run.method: run for run in load([outputs]).runs}
    for run in runs.values():
        _check_counts(run.path, run.metrics)
    added = {name: run.metrics["added_tokens"] for name, run in runs.items()}
    assert (added["zero_shot"], added["prompt"]) == (0, 20)
    assert added["instruction"] == _tokens_of_the_instruction(t5_folder, runs["instruction"].path)


def _check_counts(folder: Path, metrics: dict[str, Any]) -> None:
    rows = rows_of(folder)
    references = [row["references"] for row in rows]
    for side in ("before", "after"):
        for name in ("bleu", "chrf"):
            counted = statistics_of(
                name, [row[side] for row in rows], references, metrics["signatures"][name]
            )
            assert [row["statistics"][side][name] for row in rows] == counted.tolist()
    read = read_examples(folder / "predictions.jsonl", metrics).statistics
    assert read is not None
    in_order = sorted(rows, key=lambda row: row["id"])
    assert read.tolist() == [row["statistics"]["after"]["bleu"] for row in in_order]


def _tokens_of_the_instruction(model: Path, folder: Path) -> int:
    from transformers import AutoTokenizer

    text, _, fields = rows_of(folder)[0]["prompt"].partition("\n\n")
    tokenizer = AutoTokenizer.from_pretrained(model)
    assert text
    whole, bare = (len(tokenizer(part)["input_ids"]) for part in (f"{text}\n\n{fields}", fields))
    return whole - bare


def test_a_page_that_cannot_be_written_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = report_written([], tmp_path / "file")
    assert told.startswith(f"no report: cannot write {tmp_path / 'file' / REPORT}: ")
