"""Two gloo processes train to the adapter of one process with batches of twice the size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tunebook.training.state import Tensors, load

SCRIPT = Path(__file__).with_name("distributed_training.py")
WORDS = ("task=summarize", "model=tiny_llama", "method=prompt", "method.num_virtual_tokens=5",
         "data.limit.train=96", "data.limit.validation=16", "data.limit.test=4",
         "training.max_steps=8", "training.eval_steps=4", "training.logging_steps=1",
         "training.optim=sgd", "training.lr_scheduler_type=constant",
         "training.learning_rate=2.0", "model.device=cpu")  # fmt: skip


def trained(folder: Path, processes: int, *words: str) -> list[Tensors]:
    """What each process ends with."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc_per_node", str(processes), str(SCRIPT), str(folder), *WORDS,
               *words]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [load(folder / f"rank-{rank}.safetensors") for rank in range(processes)]


def losses(folder: Path) -> list[float]:
    lines = (folder / "rank-0" / "history.jsonl").read_text().splitlines()
    return [row["loss"] for row in map(json.loads, lines) if "loss" in row]


@pytest.mark.slow
def test_two_processes_train_to_the_adapter_of_one(tmp_path: Path) -> None:
    """Rows of different lengths, so that the two halves of a batch hold different token counts."""
    first, second = trained(tmp_path / "two", 2, "training.batch_size=4")
    (alone,) = trained(tmp_path / "one", 1, "training.batch_size=8")
    (other,) = trained(tmp_path / "other", 1, "training.batch_size=4")
    for name, value in alone.items():
        assert torch.equal(first[name], second[name])
        moved = value - first[name]
        assert moved.norm() <= 1e-4 * value.norm()
        assert (value - other[name]).norm() > 1e-2 * value.norm(), "training must matter"
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), rel=1e-4)
