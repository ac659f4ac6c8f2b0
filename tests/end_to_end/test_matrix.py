"""Every task x method x embedded base trains, scores, saves and reloads, and its loss falls."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import tunebook
from recipes import compose

TASKS = ("translate", "summarize", "qa", "dialogue")
METHODS = ("prompt", "p_tuning", "prefix", "lora")
BASES = ("tiny_t5", "tiny_llama")
CALM = {"prompt": 0.1, "prefix": 5e-3}  # the usual rates want more steps and larger batches
SMALL = (
    "data.limit.train=64", "data.limit.validation=16", "data.limit.test=8",
    "training.max_steps=20", "training.batch_size=8", "decoding.max_new_tokens=24",
)  # fmt: skip
FILES = {
    "settings.yaml", "status.json", "metrics.json", "history.jsonl", "predictions.jsonl",
    "adapter", "environment.json", "README.md",
}  # fmt: skip


SAMPLE = {
    ("summarize", "prefix", "tiny_t5"), ("dialogue", "prompt", "tiny_llama"),
}  # fmt: skip
"""Those of `make test`."""
EVERY = [
    pytest.param(*one, marks=[] if one in SAMPLE else pytest.mark.slow)
    for one in itertools.product(TASKS, METHODS, BASES)
]


@pytest.mark.parametrize(("task", "method", "base"), EVERY)
def test_trains_scores_saves_and_reloads(task: str, method: str, base: str, tmp_path: Path) -> None:
    words = [f"task={task}", f"method={method}", f"model={base}", *SMALL, f"outputs={tmp_path}"]
    words += [f"training.learning_rate={CALM[method]}"] if method in CALM else []
    result = tunebook.run(compose(*words), lambda _: None)
    assert {file.name for file in result.folder.iterdir()} == FILES
    loss = result.metrics["loss"]
    assert loss["validation"] < loss["validation_start"]
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").open()]
    assert len(rows) == result.metrics["examples"]["test"] == 8
    assert reloaded_texts(result.folder, [row["prompt"] for row in rows]) == [
        row["after"] for row in rows
    ]


def reloaded_texts(folder: Path, prompts: list[str]) -> list[str]:
    """What the saved adapter answers in a model that stock PEFT loaded."""
    from peft import PeftModel

    from tunebook.engine import generate, load
    from tunebook.models.facts import facts_of

    settings = compose(f"recipe={folder}")
    base = load(settings.model, facts_of(settings.model), lambda _: None)
    model = PeftModel.from_pretrained(base.model, folder / "adapter")
    sources = base.tokenizer(prompts)["input_ids"]
    return generate(model, base, sources, settings.decoding)
