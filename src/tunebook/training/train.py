"""One training, from settings to trained values; resumed where it was cut off."""

from __future__ import annotations

import math
import os
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook.engine import read_apart
from tunebook.errors import Problem, RequestError, RunFailed
from tunebook.models.base import Base
from tunebook.schema import Settings
from tunebook.settings.resolve import steps_of
from tunebook.text import EncodedRows, Rows
from tunebook.training.checkpoints import last_whole, room_made_after_failure, step_of
from tunebook.training.collator import Collator
from tunebook.training.history import HISTORY, History, read_history
from tunebook.training.loss import TokenLosses
from tunebook.training.trainer import PromptTrainer, quiet_tracker_folder

CHECKPOINTS = "checkpoints"


@dataclass(frozen=True)
class Trained:
    """What is known of a finished training: of all processes that took part, one after another.

    seconds: those of steps that an interruption undid are left out. peak_memory: in bytes.
    """

    steps: int
    seconds: float
    train_loss: float | None
    best_step: int
    validation_loss: float
    examples_per_second: float
    tokens_per_second: float
    peak_memory: int


def intervals(settings: Settings, steps: int) -> tuple[int, int]:
    """(eval_steps, logging_steps): ten validations and a hundred logs a run where not given.

    Logs fall on validations, because a resumed run can only then repeat them.
    """
    training = settings.training
    validate = min(training.eval_steps or math.ceil(steps / 10), steps)
    log = training.logging_steps or math.ceil(validate / 10)
    return validate, math.gcd(validate, log)


def training_arguments(
    settings: Settings, base: Base, folder: Path, rows: int, *, quiet: bool
) -> Any:
    """TrainingArguments for these settings.

    Raises RequestError with the library's own words where it refuses a value.
    """
    from transformers import TrainingArguments

    training = settings.training
    steps = steps_of(settings, rows)
    validate, log = intervals(settings, steps)
    ours = {
        "output_dir": str(folder / CHECKPOINTS),
        "max_steps": steps,
        "learning_rate": training.learning_rate,
        "optim": training.optim,
        "lr_scheduler_type": training.lr_scheduler_type,
        "warmup_steps": training.warmup_steps,
        "weight_decay": training.weight_decay,
        "max_grad_norm": training.max_grad_norm,
        "per_device_train_batch_size": training.batch_size,
        "per_device_eval_batch_size": settings.decoding.batch_size,
        "gradient_accumulation_steps": training.gradient_accumulation_steps,
        "eval_strategy": "steps",
        "save_strategy": "steps",
        "eval_steps": validate,
        "save_steps": validate,
        "logging_steps": log,
        "save_total_limit": 2,
        "eval_on_start": True,
        "seed": settings.seed,
        "data_seed": settings.seed,
        "train_sampling_strategy": "group_by_length",
        "remove_unused_columns": False,
        "include_num_input_tokens_seen": "non_padding",
        "report_to": training.report_to or "none",
        "bf16": base.dtype == "bfloat16",
        "fp16": base.dtype == "float16",
        "use_cpu": base.device == "cpu",
        "disable_tqdm": quiet,
        "dataloader_pin_memory": base.device.startswith("cuda"),
        "logging_nan_inf_filter": False,
    }
    with refusals("training", "TrainingArguments"):
        return TrainingArguments(**{**ours, **training.arguments})


def check(settings: Settings, base: Base, rows: int) -> None:
    """Ask the libraries, before anything is scored, for what training will ask them for.

    One step of the optimizer and its schedule over a parameter that belongs to nobody. Raises
    RequestError in the libraries' words, and where `rows` make no batch.
    """
    arguments = training_arguments(settings, base, Path(os.devnull), rows, quiet=True)
    batch = arguments.per_device_train_batch_size
    if arguments.dataloader_drop_last and rows < batch:
        what = f"drops every row: {rows} are no batch of {batch}"
        raise RequestError(Problem("training.arguments.dataloader_drop_last", what, "Remove it."))
    if not (settings.training.optim or "").startswith(WITH_MODEL):
        with refusals("training", "the optimizer or its schedule"):
            _one_step(arguments, base.device)


WITH_MODEL = ("galore", "apollo", "lomo", "adalomo")
"""Optimizers that are made of the whole model."""


def _one_step(arguments: Any, device: str) -> None:
    import torch
    from transformers import Trainer, get_scheduler

    parameter = torch.nn.Parameter(torch.ones(2, 2, device=device))
    kind, options = Trainer.get_optimizer_cls_and_kwargs(arguments)
    optimizer = kind([parameter], **options)
    get_scheduler(
        arguments.lr_scheduler_type, optimizer, arguments.warmup_steps, arguments.max_steps,
        arguments.lr_scheduler_kwargs,
    )  # fmt: skip
    parameter.grad = torch.ones_like(parameter)
    optimizer.step()


@contextmanager
def refusals(where: str, who: str) -> Iterator[None]:
    """Whatever goes wrong inside is a wrong request, told in the words of `who`."""
    try:
        yield
    except Exception as refusal:
        words = next(iter(str(refusal).strip().splitlines()), type(refusal).__name__)
        raise RequestError(Problem(where, f"{who} refuses these options: {words}")) from refusal


def train(
    model: Any, base: Base, rows: Rows, validation: EncodedRows,
    settings: Settings, folder: Path, say: Callable[[str], None], *, quiet: bool = False,
    loss: TokenLosses | None = None,
) -> Trained:  # fmt: skip
    """Train `model` in place and end with its best values.

    Continues from the last whole checkpoint in `folder`; where that is the one behind the last
    step, nothing is trained any more. loss: of each target token; cross-entropy where not given.
    Raises RunFailed when the loss is no number any more.
    """
    arguments = training_arguments(settings, base, folder, len(rows), quiet=quiet)
    quiet_tracker_folder(folder)
    checkpoint = last_whole(folder / CHECKPOINTS, say)
    if checkpoint:
        say(_where_it_goes_on(step_of(checkpoint), arguments.max_steps))
    read_apart(model, min(max(rows.lengths()), base.facts.context or sys.maxsize), say)
    history = History(folder / HISTORY, read_history(checkpoint / HISTORY) if checkpoint else ())
    trainer = PromptTrainer(
        model=model, arguments=arguments, rows=rows, validation=validation,
        batches=Collator(base), history=history,
        smoothing=settings.training.label_smoothing_factor,
        keep_best=settings.training.keep_best, patience=settings.training.early_stopping, say=say,
        loss=loss,
    )  # fmt: skip
    if checkpoint is None:
        shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    with _known_warnings_hidden(), room_made_after_failure(folder / CHECKPOINTS):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    trained = _finish(trainer, history, arguments)
    if trained.best_step == 0:
        say("warning: no step lowered the validation loss, so what is kept is where training "
            "started, untrained; lower training.learning_rate")  # fmt: skip
    return trained


def _where_it_goes_on(step: int, last: int) -> str:
    if step >= last:
        return f"trained already: all {last} steps stand in a checkpoint"
    return f"resuming from step {step} of {last}"


@contextmanager
def _known_warnings_hidden() -> Iterator[None]:
    """Hide what the libraries say of their own code: none of it is for the user to mend."""
    from transformers.utils import logging

    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
        yield
    logging.set_verbosity(verbosity)


def _finish(trainer: PromptTrainer, history: History, arguments: Any) -> Trained:
    losses = history.validations()
    if not losses or not math.isfinite(losses[-1][1]):
        raise RunFailed("the validation loss is no number any more; lower training.learning_rate")
    trainer.use_best()
    step, loss = min(losses, key=lambda pair: pair[1]) if trainer.keep_best else losses[-1]
    steps, seconds = trainer.state.global_step, max(history.seconds, 1e-9)
    examples = steps * arguments.per_device_train_batch_size * arguments.world_size
    examples *= arguments.gradient_accumulation_steps
    return Trained(
        steps=steps,
        seconds=seconds,
        train_loss=history.train_loss(),
        best_step=step,
        validation_loss=loss,
        examples_per_second=examples / seconds,
        tokens_per_second=trainer.state.num_input_tokens_seen / seconds,
        peak_memory=trainer.peak_memory,
    )
