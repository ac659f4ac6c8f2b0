"""The Hugging Face Trainer, with our loss, validation, history and checkpoints."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Sampler
from transformers import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)
from transformers.trainer_pt_utils import get_length_grouped_indices
from transformers.trainer_utils import rotate_checkpoints

from tunebook.events import Doing
from tunebook.memory import peak_memory
from tunebook.runs.files import read_json, write_json
from tunebook.training import checkpoints, state
from tunebook.training.collator import Collator
from tunebook.training.history import HISTORY, History
from tunebook.training.loss import TokenLoss, TokenLosses, mean_loss

TRAINED, BEST = "trained.safetensors", "best.safetensors"
MEASURED = "measured.json"


class PromptTrainer(Trainer):
    """Trains what requires gradients; keeps the best values by validation loss.

    Checkpoints hold the trained tensors alone, beside Trainer's own optimizer, scheduler, random
    and loop states, so that every method resumes to the same bits.
    """

    def __init__(self, *, rows: Any, validation: Any, batches: Collator, history: History,
                 smoothing: float, keep_best: bool, patience: int,
                 arguments: TrainingArguments, model: Any, say: Callable[[str], None],
                 loss: TokenLosses | None = None) -> None:  # fmt: skip
        decoder_only = batches.base.facts.family == "decoder-only"
        super().__init__(
            model=model,
            args=arguments,
            data_collator=batches,
            train_dataset=rows,
            eval_dataset=validation,
            compute_loss_func=TokenLoss(decoder_only, smoothing, loss),
            callbacks=[Logging(history, patience)],
        )
        self.remove_callback(PrinterCallback if arguments.disable_tqdm else ProgressCallback)
        self.add_callback(Lines(say) if arguments.disable_tqdm else Bar())
        self.history, self.batches, self.keep_best = history, batches, keep_best
        self.patience, self.peak_memory, self.draft = patience, 0, ""
        self.best: state.Tensors | None = None

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        """Random order with rows of similar length together, drawn anew for each epoch.

        The rows of one update stay together, however many processes and batches it has.
        """
        if self.args.train_sampling_strategy != "group_by_length":
            return super()._get_train_sampler(train_dataset)
        rows: Any = self.train_dataset if train_dataset is None else train_dataset
        size = self.args.train_batch_size * self.args.gradient_accumulation_steps
        size *= self.args.world_size
        return ByLength(rows.lengths(), size, self.args.seed)

    def evaluate(self, *_: Any, metric_key_prefix: str = "eval", **__: Any) -> dict[str, float]:
        """Validation loss a token; remembers the best values so far."""
        size = self.args.per_device_eval_batch_size
        loss = mean_loss(self.model, self.eval_dataset, self.batches, size)
        step = self.state.global_step
        earlier = [value for at, value in self.history.validations() if at < step]
        self.history.add(step, validation_loss=loss)
        if self.keep_best and (not earlier or loss < min(earlier)):
            self.best = state.trainable(self.model)
        metrics = {f"{metric_key_prefix}_loss": loss}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        folder = Path(output_dir or self.args.output_dir or ".")
        folder.mkdir(parents=True, exist_ok=True)
        state.save(state.trainable(self.model), folder / TRAINED)
        if self.best is not None:
            state.save(self.best, folder / BEST)

    def _get_output_dir(self, trial: Any) -> str:
        return self.draft or super()._get_output_dir(trial)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Written beside, then put in its place: one that can be seen is whole."""
        place = Path(self.args.output_dir or ".")
        self.draft = str(place / checkpoints.DRAFT)
        super()._save_checkpoint(model, trial)
        self.accelerator.wait_for_everyone()
        if self.args.should_save:
            made = Path(self.draft) / f"checkpoint-{self.state.global_step}"
            self.history.write(made / HISTORY)
            self.peak_memory = max(self.peak_memory, peak_memory(self.batches.base.device))
            write_json(made / MEASURED, {"peak_memory": self.peak_memory})
            checkpoints.publish(made, place)
            rotate_checkpoints(str(place), self.args.save_total_limit, use_mtime=True)
        self.draft = ""

    def _run_epoch(self, *words: Any, **epoch: Any) -> None:
        """Trainer would begin one when it continues from the checkpoint behind the last step."""
        stopped = self.history.has_stalled(self.patience)
        if stopped or self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
        else:
            super()._run_epoch(*words, **epoch)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        folder = Path(resume_from_checkpoint)
        state.restore(self.model, state.load(folder / TRAINED))
        if (folder / BEST).exists():
            self.best = state.load(folder / BEST)
        self.peak_memory = read_json(folder / MEASURED)["peak_memory"]

    def use_best(self) -> None:
        """End with the values of the lowest validation loss, where they are kept."""
        if self.best is not None:
            state.restore(self.model, self.best)


class ByLength(Sampler[int]):
    """Trainer's grouping by length, with an order that depends on seed and epoch alone.

    Trainer's own draws from torch's global generator, which is another one in a resumed run.
    """

    def __init__(self, lengths: list[int], batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed, self.epoch = lengths, batch_size, seed, 0

    def __len__(self) -> int:
        return len(self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """Called by Trainer when an epoch begins."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = get_length_grouped_indices(self.lengths, self.batch_size, generator=generator)
        return iter(order)


class Logging(TrainerCallback):
    """Writes the history, validates at the last step, and stops early when asked to."""

    def __init__(self, history: History, patience: int) -> None:
        self.history, self.patience = history, patience

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """One row a logged step."""
        if logs and "loss" in logs:
            rate = float(logs["learning_rate"])
            self.history.add(state.global_step, loss=logs["loss"], learning_rate=rate)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The last step is logged and validated too."""
        if state.global_step >= state.max_steps:
            control.should_log = control.should_evaluate = True

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop after `patience` validations without a lower loss."""
        if self.history.has_stalled(self.patience):
            control.should_training_stop = True


class Bar(ProgressCallback):
    """A progress bar with time left and the last loss, without a line for every log."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the loss behind the bar."""
        if self.training_bar is not None and logs:
            shown = {k: f"{logs[k]:.3f}" for k in ("loss", "eval_loss") if k in logs}
            self.training_bar.set_postfix(shown, refresh=False)


class Lines(TrainerCallback):
    """One line a validation, where there is no terminal for a progress bar."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: Any = None, **_: Any
    ) -> None:
        """Say how far training is, and the validation loss."""
        loss = (metrics or {}).get("eval_loss", float("nan"))
        step = f"step {state.global_step} of {state.max_steps}"
        self.say(Doing(f"{step}: validation loss {loss:.3f}"))


def quiet_tracker_folder(folder: Path) -> None:
    """TensorBoard's files go into the run folder."""
    os.environ.setdefault("TENSORBOARD_LOGGING_DIR", str(folder / "tensorboard"))


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch alike."""
    from transformers import set_seed

    set_seed(seed)
