"""The command from request to table, JSON and picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recipes.bench import main
from tunebook.bench import measure as measuring
from tunebook.bench.measure import measure
from tunebook.bench.settings import read_request
from tunebook.errors import RunFailed

SMALL = ["bench.shape=tiny_llama", "bench.virtual=4", "bench.length=8", "bench.batch=2",
         "bench.steps=2", "bench.warmup=1", "bench.repeats=2", "bench.device=cpu",
         "bench.examples=8", "bench.new_tokens=3"]  # fmt: skip


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in this process: what a fresh one adds is tested once, below."""
    monkeypatch.setattr(measuring, "in_own_process", measure)


@pytest.mark.usefixtures("_here")
def test_tables_and_json(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "speed.json"
    words = [*SMALL, "bench.measure=training,generation,trainer", "--json", str(file)]
    assert main(words) == 0
    shown = capsys.readouterr().out
    for told in ("step, s", "times Tunebook", "plain loop", "one at a time", "bare loop", "peak"):
        assert told in shown
    found = json.loads(file.read_text())
    for side in ("loop", "stock"):
        ratios = found["training"]["sides"][side]["times_ours"]["processor_seconds"]
        assert 0 < ratios["low"] <= ratios["median"] <= ratios["high"]
        assert found["training"]["sides"][side]["share_of_peak"] > 0
    assert len(found["training"]["raw"]["ours"]) == 2
    changed = found["generation"]["changed"]
    assert changed["ours"] == changed["loop"] == 0
    assert found["training"]["machine_peak_flops"] > 1e8


@pytest.mark.slow
@pytest.mark.usefixtures("_here")
def test_a_sweep_is_a_table_and_a_picture(tmp_path: Path, capsys: Any) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "virtual.png"
    words = [*SMALL, "bench.sweep=virtual", "bench.values=2,4", f"--plot={picture}"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "virtual" in shown
    assert "plain" in shown
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_fresh_process_measures_and_its_failure_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    request = read_request([*SMALL, "bench.threads=1"])
    measured = measuring.in_own_process("training", "ours", request)
    assert (len(measured["step_seconds"]), measured["threads"]) == (2, 1)
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(RunFailed, match="failed"):
        measuring.in_own_process("training", "ours", request)
