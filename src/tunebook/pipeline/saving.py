"""What a finished run leaves: scores, predictions, adapter, model card."""

from __future__ import annotations

import dataclasses
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import report
from tunebook.memory import peak_memory
from tunebook.metrics import catalogue
from tunebook.models.base import Base, quiet_library
from tunebook.pipeline.card import card_text
from tunebook.runs.files import read_json, whole_folder, write_json, write_jsonl, write_text
from tunebook.runs.folder import RunFolder
from tunebook.runs.whole import ADAPTER, MODEL
from tunebook.tasks import task_of
from tunebook.templates.template import BARE
from tunebook.text import EncodedRows, Encoder
from tunebook.training import Trained
from tunebook.training.history import read_history
from tunebook.training.train import CHECKPOINTS

if TYPE_CHECKING:
    from tunebook.data import Examples
    from tunebook.pipeline.steps import Finished, Plan

SCHEMA = 1
MEASURED_ON = 1000  # test examples: enough for a median


def save(plan: Plan, folder: RunFolder, examples: Examples, found: Finished) -> dict[str, Any]:
    """Write everything, the status last. Returns what metrics.json holds.

    Raises RunFailed where the folder was deleted meanwhile.
    """
    folder.check_is_there()
    trained, path = found.trained, folder.path
    bytes_saved = save_adapter(path, found.model, found.base) if trained else 0
    metrics = _metrics(plan, examples, found, bytes_saved, path)
    write_jsonl(path / "predictions.jsonl", _predictions(plan, examples, found))
    write_json(path / "metrics.json", metrics)
    write_text(path / "README.md", card_text(plan.settings, plan.resolved.facts, metrics))
    folder.check_is_there()
    folder.set_status("complete", step=trained.steps if trained else 0)
    shutil.rmtree(path / CHECKPOINTS, ignore_errors=True)
    return metrics


def save_adapter(path: Path, model: Any, base: Base) -> int:
    """The trained weights as safetensors, in PEFT's format or the whole model's; returns bytes."""
    is_adapter = hasattr(model, "peft_config")
    target = path / (ADAPTER if is_adapter else MODEL)
    with whole_folder(target) as folder, quiet_library(print):
        if is_adapter:
            with _start_saved(model) as start:
                model.save_pretrained(folder, save_embedding_layers=False, **start)
            _sort_lists(folder / "adapter_config.json", model)
        else:
            model.save_pretrained(folder)
            base.tokenizer.save_pretrained(folder)
        (folder / "README.md").unlink(missing_ok=True)
    return sum(file.stat().st_size for file in target.glob("*.safetensors"))


def _sort_lists(file: Path, model: Any) -> None:
    """PEFT keeps some lists as sets, whose order is another one in each process."""
    content = read_json(file)
    for key, value in vars(model.peft_config["default"]).items():
        if isinstance(value, set):
            content[key] = sorted(value)
    write_json(file, content)


@contextmanager
def _start_saved(model: Any) -> Iterator[dict[str, str]]:
    """Where the start lies by which PEFT turns an adapter that changed its base into one for the
    untouched base (its path_initial_model_for_weight_conversion)."""
    start = getattr(model, "tunebook_start", None)
    if start is None:
        yield {}
        return
    trained = {name: tensor.clone() for name, tensor in model.state_dict().items() if name in start}
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "start")
        model.load_state_dict(start, strict=False)
        model.save_pretrained(path, save_embedding_layers=False)
        model.load_state_dict(trained, strict=False)
        yield {"path_initial_model_for_weight_conversion": path}


def added_tokens(plan: Plan, examples: Examples, base: Base, test: EncodedRows) -> int:
    """What the model reads beyond an example's bare fields: learned positions, and the template's
    tokens in the median test example (the template leaves the longest ones less room)."""
    settings = plan.settings
    if settings.template.text == BARE:
        return settings.method.virtual_tokens
    bare = dataclasses.replace(settings.template, text=BARE)
    encoder = Encoder(dataclasses.replace(settings, template=bare), base)
    first = test.rows[:MEASURED_ON]
    sources = encoder.sources([examples.test[index] for index in first])
    more = [test.sources.length(i) - len(one.ids) for i, one in enumerate(sources) if one]
    return settings.method.virtual_tokens + round(statistics.median(more or [0]))


def _metrics(
    plan: Plan, examples: Examples, found: Finished, bytes_saved: int, path: Path
) -> dict[str, Any]:
    settings, trained, after = plan.settings, found.trained, found.after
    trainable, total = report.count_parameters(found.model)
    name = settings.task.headline
    plan.seconds["total"] = sum(plan.seconds.values())
    metrics = {
        "schema": SCHEMA,
        "task": settings.task.name,
        "data": settings.data.name,
        "model": settings.model.name,
        "method": settings.method.name,
        "seed": settings.seed,
        "headline": {
            "name": name,
            "value": after.values[name],
            "higher_is_better": catalogue.higher_is_better(name),
            "interval": list(after.interval) if after.interval else None,
        },
        "before": found.before.values,
        "after": after.values,
        "signatures": after.signatures,
        "loss": _losses(trained, path),
        "parameters": {"trainable": trainable, "total": total},
        "adapter_bytes": bytes_saved,
        "seconds": {phase: round(plan.seconds.get(phase, 0.0), 3) for phase in PHASES},
        "throughput": {
            "examples_per_second": trained.examples_per_second if trained else None,
            "tokens_per_second": trained.tokens_per_second if trained else None,
        },
        "peak_memory_bytes": max(
            peak_memory(found.base.device), trained.peak_memory if trained else 0
        ),
        "examples": {
            "train": len(examples.train) if trained else 0,
            "validation": len(examples.validation) if trained else 0,
            "test": len(next(iter(after.examples.values()))),
        },
        "device": found.base.device,
        "dtype": found.base.dtype,
    }
    if found.instruction is not None:
        metrics["instruction"] = dict(found.instruction)
    metrics["added_tokens"] = added_tokens(plan, examples, found.base, found.test)
    return metrics


PHASES = ("load", "train", "evaluate", "total")


def _losses(trained: Trained | None, path: Path) -> dict[str, float | None]:
    if trained is None:
        return {"train": None, "validation": None}
    rows = read_history(path / "history.jsonl")
    start = next((row["validation_loss"] for row in rows if "validation_loss" in row), None)
    return {
        "train": trained.train_loss,
        "validation": trained.validation_loss,
        "validation_start": start,
    }


def _predictions(plan: Plan, examples: Examples, found: Finished) -> list[dict[str, Any]]:
    task, test = task_of(plan.settings.task), found.test
    before, after = found.before, found.after
    rows = []
    for i, index in enumerate(test.rows):
        row = examples.test[index]
        rows.append(
            {
                "id": row["id"],
                "prompt": test.texts[i],
                "references": task.references(row),
                "before": before.answers.texts[i],
                "after": after.answers.texts[i],
                "scores": _of_example(i, before.examples, after.examples),
            }
        )
        if before.counts:
            rows[-1]["statistics"] = _of_example(i, before.counts, after.counts)
    return rows


def _of_example(
    number: int, before: Mapping[str, Sequence[Any]], after: Mapping[str, Sequence[Any]]
) -> dict[str, dict[str, Any]]:
    return {
        "before": {name: values[number] for name, values in before.items()},
        "after": {name: values[number] for name, values in after.items()},
    }
