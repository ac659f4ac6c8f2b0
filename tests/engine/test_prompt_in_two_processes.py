"""Under DistributedDataParallel the shared prompt gets the gradient of the whole batch."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import torch.distributed as distributed
import torch.multiprocessing as multiprocessing
from torch.nn.parallel import DistributedDataParallel

from tests.engine.test_prompt import base_of, batch, close, wrapped
from tunebook.engine import select_where_wanted
from tunebook.engine.batches import predicts_labels
from tunebook.engine.prompt import share
from tunebook.training import TokenLoss

LENGTHS = [5, 12, 9, 7]
PROCESSES = 2


def gradient(model: torch.nn.Module, given: dict[str, torch.Tensor], tokens: int) -> torch.Tensor:
    """The prompt's gradient of the mean loss over `tokens` labels."""
    labels = given.pop("labels")
    given["wanted"] = predicts_labels(labels, decoder_only=True)
    (TokenLoss(decoder_only=True).sum(model(**given), labels) / tokens).backward()
    (prompt,) = [p for p in model.parameters() if p.requires_grad]
    return prompt.grad


def shared_model() -> torch.nn.Module:
    base = base_of("llama")
    select_where_wanted(base)
    model = wrapped(base)
    share(model)
    return model


def work(rank: int, port: int, folder: str) -> None:
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    distributed.init_process_group("gloo", rank=rank, world_size=PROCESSES)
    half = {name: rows[rank::PROCESSES] for name, rows in batch(LENGTHS).items()}
    model = DistributedDataParallel(shared_model())
    # DistributedDataParallel averages over processes: each takes its part of the labels' mean.
    found = gradient(model, half, tokens=3 * len(LENGTHS) // PROCESSES)
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_gradient_of_one(tmp_path: Path) -> None:
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(work, args=(port, str(tmp_path)), nprocs=PROCESSES)
    alone = gradient(shared_model(), batch(LENGTHS), tokens=3 * len(LENGTHS))
    for rank in range(PROCESSES):
        assert close(torch.load(tmp_path / f"{rank}.pt", weights_only=True), alone)
