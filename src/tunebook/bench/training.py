"""Training steps of one side, timed from the end of one step to the end of the next."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer, TrainerCallback, TrainingArguments, default_data_collator

from tunebook.bench import loop, material
from tunebook.bench.flops import sizes_of
from tunebook.bench.memory import PeakMemory
from tunebook.bench.settings import Request
from tunebook.bench.sides import RATES, our_matmul, our_model, settings_for, stock_model
from tunebook.engine.matmul import TORCH
from tunebook.models.base import Base
from tunebook.training.batches import IGNORED, Batches
from tunebook.training.history import History
from tunebook.training.loss import TokenLoss
from tunebook.training.train import training_arguments
from tunebook.training.trainer import PromptTrainer


class StepTimer(TrainerCallback):
    """When each step ended, on the wall's clock and in processor time; on CUDA its work is done."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Remember the time."""
        self.tick()

    def tick(self) -> None:
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
    base = material.load_base(request)
    rows = material.training_rows(request, base)
    memory, timer = PeakMemory(base.device.partition(":")[0]), StepTimer()
    with tempfile.TemporaryDirectory() as folder:
        loss = SIDES[side](request, base, rows, timer, Path(folder))
    return {
        "step_seconds": timer.seconds(request.bench.warmup),
        "processor_seconds": timer.seconds(request.bench.warmup, processor=True),
        "loss": loss,
        "baseline_bytes": memory.baseline,
        "peak_bytes": memory.bytes,
        "device": _name(base.device),
        "dtype": base.dtype,
        "matmul": our_matmul(request, base) if side in OURS else TORCH,
        "threads": torch.get_num_threads(),
        "sizes": dataclasses.asdict(sizes_of(base.model.config)),
    }


def _name(device: str) -> str:
    return torch.cuda.get_device_name(0) if device.startswith("cuda") else "cpu"


def _ours(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    settings = settings_for(request)
    trainer = PromptTrainer(
        model=our_model(request, base), rows=rows, validation=_one(rows), batches=Batches(base),
        arguments=training_arguments(settings, base, folder, len(rows), quiet=True),
        history=History(folder / "history.jsonl"), smoothing=0.0, keep_best=False, patience=0,
        say=lambda _: None,
    )  # fmt: skip
    trainer.add_callback(timer)
    return trainer.train().training_loss


def _one(rows: Any) -> Any:
    first = type(rows)()
    first.sources.append(rows.sources[0])
    first.targets.append(rows.targets[0])
    first.rows.append(0)
    return first


def _stock(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """As PEFT's documentation writes it: default collator, labels padded, the model's own loss."""
    bench = request.bench
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=bench.batch,
        max_steps=bench.warmup + bench.steps, learning_rate=RATES[request.method],
        optim="adamw_torch", lr_scheduler_type="linear", weight_decay=0.0,
        bf16=base.dtype == "bfloat16", use_cpu=base.device == "cpu", save_strategy="no",
        logging_steps=bench.warmup + bench.steps, report_to="none", disable_tqdm=True,
        train_sampling_strategy="sequential", dataloader_pin_memory=base.device != "cpu",
    )  # fmt: skip
    decoder_only = base.facts.family == "decoder-only"
    trainer = Trainer(
        model=stock_model(request, base), args=arguments, data_collator=default_data_collator,
        train_dataset=[_features(rows[i], decoder_only) for i in range(len(rows))],
        callbacks=[timer],
    )  # fmt: skip
    return trainer.train().training_loss


def _features(row: dict[str, Any], decoder_only: bool) -> dict[str, list[int]]:
    source, target = list(row["source"]), list(row["target"])
    if not decoder_only:
        return {"input_ids": source, "attention_mask": [1] * len(source), "labels": target}
    ids = source + target
    labels = [IGNORED] * len(source) + target
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": labels}


def _loop(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """As somebody writes it who knows where time goes."""
    model, losses = stock_model(request, base).train(), []
    decoder_only, size = base.facts.family == "decoder-only", request.bench.batch
    features = [_features(rows[i], decoder_only) for i in range(len(rows))]
    batches = [loop.batch_of(features[start : start + size], base.device)
               for start in range(0, len(features), size)]  # fmt: skip
    shares = decoder_only and request.method == "prompt"
    for loss in loop.steps(model, batches, RATES[request.method], shares_prompt=shares,
                           autocast=lambda: _autocast(base)):  # fmt: skip
        losses.append(loss)
        timer.tick()
    return float(torch.stack(losses).mean())


def _bare(request: Request, base: Base, rows: Any, timer: StepTimer, folder: Path) -> float:
    """Our model and batches in a plain loop, without any Trainer."""
    model = our_model(request, base).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATES[request.method], weight_decay=0.0)
    loss_of, losses = TokenLoss(base.facts.family == "decoder-only"), []
    loader: Any = torch.utils.data.DataLoader(rows, request.bench.batch, collate_fn=Batches(base))
    for batch in loader:
        inputs = {name: value.to(base.device) for name, value in batch.items()}
        labels = inputs.pop("labels")
        with _autocast(base):
            loss = loss_of(model(**inputs), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, loop.MOST_NORM)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
        timer.tick()
    return float(torch.stack(losses).mean())


def _autocast(base: Base) -> Any:
    if base.dtype == "float32":
        return nullcontext()
    return torch.autocast(base.device.partition(":")[0], getattr(torch, base.dtype))


SIDES: dict[str, Callable[[Request, Base, Any, StepTimer, Path], float]] = {
    "ours": _ours,
    "loop": _loop,
    "stock": _stock,
    "bare": _bare,
}
OURS = ("ours", "bare")
"""The sides with this project's model."""
