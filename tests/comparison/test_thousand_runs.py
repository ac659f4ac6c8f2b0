"""A thousand run folders of 500 predictions each, in little more than it takes to parse them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_runs import make_run

RUNS, PREDICTIONS = 1000, 500
METHODS = ("prompt", "prefix", "lora", "full")
PROBE = """
import json, pathlib, resource, sys, time
from recipes.compare import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
began = time.process_time()
for file in pathlib.Path(sys.argv[1]).rglob("predictions.jsonl"):
    for line in file.open("rb"):
        json.loads(line)
print("USED", used.ru_utime + used.ru_stime, used.ru_maxrss, time.process_time() - began)
sys.exit(code)
"""
MOST = 2.5
"""How often the command may take what Python's json takes: processors differ more than that."""


def make_many(outputs: Path, task: str, runs: int = RUNS) -> None:
    """Runs of four methods with five learning rates each, the rest of them seeds."""
    generator = np.random.default_rng(0)
    words = [
        "Anna",
        "Bruno",
        "Clara",
        "sells",
        "carries",
        "paints",
        "apples",
        "boats",
        "chairs",
        "lamps",
        "at",
        "the",
        "market",
    ]
    references = [" ".join(generator.choice(words, 15)) for _ in range(PREDICTIONS)]
    texts = [" ".join(generator.permutation(text.split())) for text in references]
    for number in range(runs):
        make_run(
            outputs, f"task={task}", f"method={METHODS[number % 4]}",
            f"training.learning_rate={(1 + number // 4 % 5) / 10}", seed=number // 20,
            scores=generator.uniform(0, 100, PREDICTIONS).tolist(), texts=texts,
            references=references, counted=task in ("translate", "dialogue"),
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("task", ["summarize", "translate", "dialogue"])
def test_a_thousand_runs_take_little_more_than_parsing_them(tmp_path: Path, task: str) -> None:
    make_many(tmp_path, task)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path), "--format", "csv"],
        capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True,
    )  # fmt: skip
    found = re.search(r"USED ([\d.]+) (\d+) ([\d.]+)", done.stdout)
    assert found is not None
    seconds = float(found[1])  # of the processor, so that a busy machine changes nothing
    memory = int(found[2]) * (1 if sys.platform == "darwin" else 1024)
    assert done.stdout.count(",50,") == len(METHODS) * 5  # seeds of each row
    assert seconds < MOST * float(found[3])
    assert memory < 2**30
