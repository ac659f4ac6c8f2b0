"""One process of a training: torchrun --nproc_per_node N distributed_training.py FOLDER KEY=VALUE

Writes the trained tensors to FOLDER/RANK.safetensors.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from recipes import compose
from tunebook.pipeline import steps
from tunebook.training import train
from tunebook.training.state import save, trainable


def main(folder: Path, words: list[str]) -> None:
    """As a run trains, between loading and scoring."""
    said: list[str] = []
    plan = steps.plan(compose(*words), said.append)
    base = steps.untried_base(plan)
    rows = steps.encode(plan, steps.load_data(plan), base)
    model = steps.attach(plan, base)
    assert any("all rows read the same keys and values" in line for line in said)
    own = folder / f"rank-{os.environ.get('RANK', 0)}"
    own.mkdir(parents=True)
    train(model, base, rows.train, rows.validation, plan.settings, own, said.append, quiet=True)
    save(trainable(model), folder / f"{own.name}.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
