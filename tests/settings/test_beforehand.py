"""What the libraries would refuse after the work is refused before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes import compose
from tunebook.errors import RequestError
from tunebook.settings import resolve

KWARGS = "training.arguments.lr_scheduler_kwargs"
REFUSALS = {
    ("training.lr_scheduler_type=warmup_stable_decay",): f"Set {KWARGS}.num_decay_steps",
    ("training.lr_scheduler_type=cosine_with_min_lr",): f"{KWARGS}.min_lr_rate=0.1",
    ("training.lr_scheduler_type=cosine_warmup_with_min_lr",): "one of min_lr or min_lr_rate",
    ("training.lr_scheduler_type=cosine_with_min_lr", f"{KWARGS}={{min_lr: 1, min_lr_rate: 1}}"):
        "needs one of min_lr or min_lr_rate",
    ("training.lr_scheduler_type=cosine", f"{KWARGS}={{num_cycle: 1}}"): "mean num_cycles?",
    ("training.lr_scheduler_type=cosin",): "Did you mean cosine?",
    ("training.optim=adam",): "transformers has no 'adam'. Did you mean adamw_torch?",
    ("training.optim=adamw_bnb_8bit",): "needs bitsandbytes, which is not installed",
    ("training.optim=galore_adamw",): "pip install galore-torch",
    ("training.optim=stable_adamw",): "pip install torch-optimi",
    ("training.optim=adamw_torch_4bit",): "pip install torchao",
    ("training.arguments.logging_strategy=often",): "Choose from: epoch, no, steps",
    ("training.arguments.save_only_model=true",): "leaves out what a run needs that goes on",
    ("training.arguments.ignore_data_skip=true",): "other rows",
    ("training.arguments.deepspeed=x.json",): "is for several processes",
    ("method=lora", "method.peft.inference_mode=true"): "freezes what is to be trained",
    ("task=translate", "task.language=ko"): "pip install 'sacrebleu[ko]'",
    ("seed=4294967296",): "seed: must be at most 4294967295, got 4294967296",
    ("data.seed=-1",): "data.seed: must be at least 0",
    ("tune=2", "tune.seed=1e20"): "tune.seed: must be at most 4294967295",
    ("training.label_smoothing_factor=1",): "must be below 1, got 1",
    ("training.weight_decay=1e6",): "must be at most 10, got 1e+06",
    ("training.learning_rate=1e6",): "must be at most 100",
    ("training.max_steps=1e12",): "must be at most 2147483647",
    ("training.num_train_epochs=1e300",): "must be at most 100000",
    ("decoding.num_beams=100000",): "must be at most 1000",
    ("tune.fixed=[anything]",): "tune.fixed: there is no key anything",
    ('outputs=""',): "outputs: names no folder",
    ('outputs="~nosuchuser/x"',): "outputs: ~nosuchuser is nobody's home folder",
    (f"outputs={'a' * 300}",): "outputs: is too long for a path",
    (f"data.train={'a/' * 3000}b", "data=files"): "data.train: is too long for a path",
    ("seed=???",): "seed: expects a whole number, got '???'",
    ("seed=010",): "seed: expects a whole number, got '010'",
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSALS, ids=lambda words: words[-1][:50])
def test_is_refused_before_the_work(words: tuple[str, ...]) -> None:
    with pytest.raises(RequestError) as error:
        resolve(compose(*words))
    assert REFUSALS[words] in str(error.value)


def test_a_baseline_needs_no_optimizer() -> None:
    assert resolve(compose("method=zero_shot", "training.optim=lion_32bit"))


@pytest.mark.parametrize("words", [
    ["training.arguments.dataloader_drop_last=true", "training.batch_size=64"],
    ["training.lr_scheduler_type=polynomial", "training.learning_rate=1e-9"],
    ["training.arguments.tf32=true"],
])  # fmt: skip
def test_the_libraries_are_asked_before_anything_is_scored(
    words: list[str], t5_folder: Path, task_files: Callable[[str], list[str]], tmp_path: Path
) -> None:
    import tunebook

    settings = compose(*task_files("summarize"), f"model.path={t5_folder}", "method=lora",
                       "debug=true", f"outputs={tmp_path}", *words)  # fmt: skip
    with pytest.raises(RequestError, match=r"drops every row|refuses these options"):
        tunebook.run(settings, say=lambda text: None)
    assert not list(tmp_path.rglob("*.json*"))
