"""A JSONL of a million rows: little memory more than a thousand, and no waiting."""

from __future__ import annotations

import json
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

MILLION = 1_000_000
GIBIBYTE = 2**30


def write_pairs(path: Path, count: int) -> Path:
    """Pairs of texts of 10 to 30 words, no two the same."""
    draw = random.Random(count)
    words = ["".join(draw.choices("abdefilmnoprstu", k=draw.randint(2, 9))) for _ in range(5000)]
    halves = [" ".join(draw.choices(words, k=draw.randint(5, 15))) for _ in range(5000)]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            a, b, c, d = draw.choices(halves, k=4)
            file.write(f'{{"source": "{a} {b} {number}", "target": "{c} {d}"}}\n')
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("million")
    for name, count in (("large", MILLION), ("small", 1000), ("validation", 20), ("test", 8)):
        write_pairs(folder / f"{name}.jsonl", count)
    return folder


def run(folder: Path, train: str) -> tuple[dict[str, Any], float]:
    """What metrics.json of a run of one step holds, and the processor seconds of its process."""
    files = {"train": train, "validation": "validation", "test": "test"}
    data = [f"data.{split}={folder / name}.jsonl" for split, name in files.items()]
    words = ["task=translate", "data=files", "model=tiny_t5", "method=prompt", "again=true",
             "training.max_steps=1", "decoding.max_new_tokens=4"]  # fmt: skip
    command = [sys.executable, "-m", "recipes.run", *words, *data, f"outputs={folder / train}"]
    before = _processor_seconds()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "HF_HOME": str(folder / "hf")}
    )
    (file,) = (folder / train).glob("*/*/*/*/metrics.json")
    return json.loads(file.read_text()), _processor_seconds() - before


def seconds_of_json(file: Path) -> float:
    """What Python itself takes to read every row."""
    before = time.process_time()
    with file.open(encoding="utf-8") as lines:
        assert sum(1 for line in lines if json.loads(line)) == MILLION
    return time.process_time() - before


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
def test_a_million_rows_take_little_memory_and_start_soon(folder: Path) -> None:
    """Seconds are the processor's, held against its own: processors differ by more than twice."""
    own = seconds_of_json(folder / "large.jsonl")
    small, seconds_of_small = run(folder, "small")
    first, seconds = run(folder, "large")
    again, seconds_again = run(folder, "large")
    assert first["examples"]["train"] == again["examples"]["train"] == MILLION
    for large in (first, again):
        assert large["peak_memory_bytes"] < small["peak_memory_bytes"] + GIBIBYTE
    assert seconds < seconds_of_small + 9 * own
    assert seconds_again < seconds_of_small + 3 * own
