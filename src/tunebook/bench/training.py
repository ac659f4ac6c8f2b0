"""Training steps of one side, timed from the end of one step to the end of the next."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader
from transformers import Trainer, TrainerCallback, TrainingArguments, default_data_collator

from tunebook.bench import loop, models
from tunebook.bench.flops import step_flops
from tunebook.bench.measure import Memory
from tunebook.bench.settings import Request
from tunebook.engine import IGNORED
from tunebook.models.base import Base
from tunebook.text import EncodedRows
from tunebook.training.collator import Collator
from tunebook.training.history import History
from tunebook.training.loss import TokenLoss
from tunebook.training.train import training_arguments
from tunebook.training.trainer import PromptTrainer


class StepTimer(TrainerCallback):
    """When each step ended, on the wall's clock and in processor time; on CUDA its work is done."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """A step has ended."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append((time.perf_counter(), time.process_time()))

    def seconds(self, warmup: int, *, processor: bool = False) -> list[float]:
        """What each step behind the warm-up took."""
        ends = [end[processor] for end in self.ends[warmup - 1 :]]
        return [later - earlier for earlier, later in itertools.pairwise(ends)]


def train(side: str, request: Request) -> dict[str, Any]:
    """Step times, mean loss and memory of "ours", "loop", "stock" or "bare" in this process."""
    base = models.load_base(request)
    rows = models.training_rows(request, base)
    memory, timer = Memory(base.device), StepTimer()
    with tempfile.TemporaryDirectory() as folder:
        loss = SIDES[side](request, base, rows, timer, Path(folder))
    on_card = base.device.startswith("cuda")
    return {
        "step_seconds": timer.seconds(request.bench.warmup),
        "processor_seconds": timer.seconds(request.bench.warmup, processor=True),
        "loss": loss,
        **memory.measured(),
        "device": torch.cuda.get_device_name(0) if on_card else "cpu",
        "dtype": base.dtype,
        "matmul": base.matmul,
        "threads": torch.get_num_threads(),
        "step_flops": step_flops(base.model.config, request, ours=side != "stock"),
    }


def _ours(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    settings = models.settings_for(request)
    trainer = PromptTrainer(
        model=models.our_model(request, base),
        rows=rows,
        validation=_one(rows),
        batches=Collator(base),
        arguments=training_arguments(settings, base, folder, len(rows), quiet=True),
        history=History(folder / "history.jsonl"),
        smoothing=0.0,
        keep_best=False,
        patience=0,
        say=lambda _: None,
    )
    trainer.add_callback(timer)
    return trainer.train().training_loss


def _one(rows: EncodedRows) -> EncodedRows:
    first = EncodedRows()
    first.sources.append(rows.sources[0])
    first.targets.append(rows.targets[0])
    first.rows.append(0)
    return first


def _stock(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """As PEFT's documentation writes it: default collator, labels padded, the model's own loss."""
    steps = request.bench.warmup + request.bench.steps
    arguments = TrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=request.bench.batch,
        max_steps=steps,
        learning_rate=models.RATES[request.method],
        optim="adamw_torch",
        lr_scheduler_type="linear",
        weight_decay=0.0,
        bf16=base.dtype == "bfloat16",
        use_cpu=base.device == "cpu",
        save_strategy="no",
        logging_steps=steps,
        report_to="none",
        disable_tqdm=True,
        train_sampling_strategy="sequential",
        dataloader_pin_memory=base.device != "cpu",
    )
    trainer = Trainer(
        model=models.stock_model(request, base),
        args=arguments,
        data_collator=default_data_collator,
        train_dataset=[_features(rows[i], _is_decoder_only(base)) for i in range(len(rows))],
        callbacks=[timer],
    )
    return trainer.train().training_loss


def _is_decoder_only(base: Base) -> bool:
    return base.facts.family == "decoder-only"


def _features(row: dict[str, Any], decoder_only: bool) -> dict[str, list[int]]:
    source, target = list(row["source"]), list(row["target"])
    if not decoder_only:
        return {"input_ids": source, "attention_mask": [1] * len(source), "labels": target}
    ids = source + target
    labels = [IGNORED] * len(source) + target
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def _loop(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """As somebody writes it who knows where time goes."""
    model, size = models.stock_model(request, base).train(), request.bench.batch
    features = [_features(rows[i], _is_decoder_only(base)) for i in range(len(rows))]
    batches = [
        loop.batch_of(features[start : start + size], base.device)
        for start in range(0, len(features), size)
    ]
    shares = _is_decoder_only(base) and request.method == "prompt"

    def loss_of(batch: dict[str, Any]) -> torch.Tensor:
        with _autocast(base):
            return loop.loss_of(model, batch, shares_prompt=shares)

    losses = loop.steps(model, batches, models.RATES[request.method], loss_of)
    return _timed(losses, timer)


def _bare(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """Our model and batches in a plain loop, without any Trainer."""
    model = models.our_model(request, base).train()
    token_loss = TokenLoss(_is_decoder_only(base))
    batches: Any = DataLoader(rows, request.bench.batch, collate_fn=Collator(base))

    def loss_of(batch: dict[str, Any]) -> torch.Tensor:
        inputs = {name: value.to(base.device) for name, value in batch.items()}
        labels = inputs.pop("labels")
        with _autocast(base):
            return token_loss(model(**inputs), labels)

    losses = loop.steps(model, batches, models.RATES[request.method], loss_of)
    return _timed(losses, timer)


def _timed(losses: Iterator[torch.Tensor], timer: StepTimer) -> float:
    """The mean of the losses of all steps, the end of each of which `timer` has seen."""
    found = []
    for loss in losses:
        found.append(loss)
        timer.on_step_end()
    return float(torch.stack(found).mean())


def _autocast(base: Base) -> AbstractContextManager[Any]:
    if base.dtype == "float32":
        return nullcontext()
    return torch.autocast(base.device.partition(":")[0], getattr(torch, base.dtype))


SIDES: dict[str, Callable[[Request, Base, Any, StepTimer, Path], float]] = {
    "ours": _ours,
    "loop": _loop,
    "stock": _stock,
    "bare": _bare,
}
