"""stock-decoding shows what stock batches make of a trained prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tunebook
from recipes import compose
from recipes.bench import main


def test_one_at_a_time_is_what_this_project_and_the_export_give(
    llama_folder: Path, task_files: Callable[[str], list[str]], tmp_path: Path, capsys: Any
) -> None:
    words = [*task_files("translate"), "method=prompt", f"model.path={llama_folder}",
             f"outputs={tmp_path}", "training.max_steps=4", "training.learning_rate=1",
             "decoding.max_new_tokens=4", "decoding.batch_size=6"]  # fmt: skip
    run = tunebook.run(compose(*words), say=lambda line: None).folder
    file = tmp_path / "found.json"
    assert main(["stock-decoding", str(run), "--json", str(file)]) == 0
    shown, found = capsys.readouterr().out, json.loads(file.read_text())
    assert "texts changed" in shown
    assert bool(found["changed"]) == (found["ways"]["stock"]["changed"] > 0)
    for one in found["changed"]:
        assert one["alone"] != one["stock"]
        assert f"batched  {one['stock']}" in shown
    ways = found["ways"]
    assert ways["ours"] == ways["alone"] == ways["exported"]
    assert set(ways["stock"]) == {"score", "changed"}


def test_other_methods_are_refused(
    llama_folder: Path, task_files: Callable[[str], list[str]], tmp_path: Path, capsys: Any
) -> None:
    words = [*task_files("translate"), "method=zero_shot", f"model.path={llama_folder}",
             f"outputs={tmp_path}", "decoding.max_new_tokens=2"]  # fmt: skip
    run = tunebook.run(compose(*words), say=lambda line: None).folder
    assert main(["stock-decoding", str(run)]) == 2
    assert "no soft prompt" in capsys.readouterr().err
