"""Run folders as training leaves them, made in a moment from scores."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from recipes import compose
from tunebook.runs import settings_text
from tunebook.runs.fingerprint import digest
from tunebook.settings import Settings, resolve

HEADLINES = {"summarize": "rougeL", "qa": "f1", "translate": "bleu", "dialogue": "chrf"}
SIGNATURES = {
    "bleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0",
    "chrf": "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0",
}
PACKAGES = {"tunebook": "0.1.0", "peft": "0.21.2", "transformers": "5.23.0", "torch": "2.13.0"}


@functools.cache
def _settings(words: tuple[str, ...]) -> Settings:
    return resolve(compose(*words)).settings


def make_run(
    outputs: Path, *words: str, scores: Sequence[float] = (50.0, 60.0, 70.0), seed: int = 0,
    texts: Sequence[str] | None = None, references: Sequence[str] | None = None,
    state: str = "complete", error: str | None = None, before: float = 20.0,
    versions: dict[str, str] | None = None, metrics: dict[str, Any] | None = None,
    counted: bool = False, losses: Sequence[float] = (),
) -> Path:  # fmt: skip
    """The folder of a run that `words` describe, with these scores of its test examples.

    texts, references: of each example, where the metric is one of the corpus; by default made up.
    metrics: overrides what metrics.json holds.
    losses: validation losses, one at every tenth step.
    counted: whether predictions.jsonl holds what each example adds to corpus metrics.
    """
    settings = copy.copy(_settings(words))
    settings.seed = seed
    method, task = settings.method.name, settings.task.name
    name = f"seed={seed}-{digest([words, seed])}"
    folder = outputs / task / settings.model.name / method / name
    folder.mkdir(parents=True)
    (folder / "settings.yaml").write_text(_text(words).replace("\nseed: 0\n", f"\nseed: {seed}\n"))
    environment = {"packages": {**PACKAGES, **(versions or {})}, "device": "cpu",
                   "device_name": "cpu", "dtype": "float32", "threads": 1,
                   "model_content": "1f468dc8baee97f3"}  # fmt: skip
    _write(folder / "environment.json", environment)
    _write(folder / "status.json", {"state": state, "error": error, "step": 3})
    if losses:
        history = [{"step": 10 * i, "validation_loss": loss} for i, loss in enumerate(losses)]
        (folder / "history.jsonl").write_text("".join(json.dumps(row) + "\n" for row in history))
    if state == "complete":
        headline = HEADLINES[task]
        texts = texts or ["a text"] * len(scores)
        references = references or ["a reference"] * len(texts)
        rows = [_row(i, *row, headline) for i, row in enumerate(
            zip(texts, references, scores, strict=True))]  # fmt: skip
        if counted:
            _count(rows)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / "predictions.jsonl").write_text(lines)
        value = _value(headline, scores, texts, references)
        trained = settings.method.trains
        _write(folder / "metrics.json",
               {**_metrics(settings, value, before, len(rows), trained), **(metrics or {})}
               )  # fmt: skip
    return folder


@functools.cache
def _text(words: tuple[str, ...]) -> str:
    text = settings_text(_settings(words))
    assert yaml.safe_load(text)["seed"] == 0
    return text


def _row(number: int, text: str, reference: str, score: float, headline: str) -> dict[str, Any]:
    scores = {headline: score}
    return {
        "id": f"test-{number}",
        "prompt": f"{reference} and some more words that the model reads " * 3,
        "references": [reference],
        "before": "a text from before",
        "after": text,
        "scores": {"before": scores, "after": scores},
    }


def _count(rows: list[dict[str, Any]]) -> None:
    references = tuple(row["references"][0] for row in rows)
    for side in ("before", "after"):
        texts = tuple(row[side] for row in rows)
        counts = {name: _counts(name, texts, references) for name in SIGNATURES}
        for i, row in enumerate(rows):
            of_example = {name: found[i] for name, found in counts.items()}
            row.setdefault("statistics", {})[side] = of_example


@functools.cache
def _counts(headline: str, texts: tuple[str, ...], references: tuple[str, ...]) -> list[list[int]]:
    from tunebook.metrics.corpus import statistics_of

    several = [[reference] for reference in references]
    return statistics_of(headline, texts, several, SIGNATURES[headline]).astype(int).tolist()


def _value(
    headline: str, scores: Sequence[float], texts: Sequence[str], references: Sequence[str]
) -> float:
    if headline in SIGNATURES:
        return _corpus_value(headline, tuple(texts), tuple(references))
    return sum(scores) / len(scores)


@functools.cache
def _corpus_value(headline: str, texts: tuple[str, ...], references: tuple[str, ...]) -> float:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    metric = BLEU(force=True) if headline == "bleu" else CHRF()
    return metric.corpus_score(list(texts), [list(references)]).score


def _metrics(
    settings: Settings, value: float, before: float, examples: int, trained: bool
) -> dict[str, Any]:
    headline = HEADLINES[settings.task.name]
    return {
        "schema": 1,
        "task": settings.task.name,
        "model": settings.model.name,
        "method": settings.method.name,
        "seed": settings.seed,
        "headline": {"name": headline, "value": value, "higher_is_better": True,
                     "interval": [value - 2, value + 2]},
        "before": {headline: before},
        "after": {headline: value},
        "signatures": {headline: SIGNATURES.get(headline, f"{headline}|F1")},
        "loss": {"train": None, "validation": None},
        "parameters": {"trainable": 2560 if trained else 0, "total": 1771904},
        "adapter_bytes": 10368 if trained else 0,
        "seconds": {"load": 1.0, "train": 12.0 if trained else 0.0, "evaluate": 1.0, "total": 14.0},
        "throughput": {"examples_per_second": 1.0, "tokens_per_second": 3000 if trained else None},
        "peak_memory_bytes": 772_000_000,
        "examples": {"train": 64, "validation": 16, "test": examples},
        "device": "cpu",
        "dtype": "float32",
    }  # fmt: skip


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))
