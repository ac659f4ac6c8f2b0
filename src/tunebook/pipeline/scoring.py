"""Answers of a model to the test examples, and what they are worth."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook import metrics
from tunebook.engine import generate
from tunebook.errors import Problem, RequestError
from tunebook.metrics.bootstrap import Interval
from tunebook.models.base import Base
from tunebook.models.vectors import has_learned_positions
from tunebook.plugins import in_words, place_of
from tunebook.runs import environment
from tunebook.runs.files import OLD, read_json, remove_parts, write_json
from tunebook.runs.fingerprint import digest
from tunebook.schema import Settings
from tunebook.tasks import Row, Task, task_of
from tunebook.text import EncodedRows
from tunebook.training import Collator, mean_loss


@dataclass(frozen=True)
class Answers:
    """One text a test example, and how probable the references were where a task asks for it."""

    texts: list[str]
    perplexity: float | None = None


@dataclass(frozen=True)
class Scored:
    """Answers to test examples, with the scores of all together and of each one.

    counts: as in `metrics.Scores`.
    """

    answers: Answers
    values: dict[str, float]
    examples: dict[str, list[float]]
    signatures: dict[str, str]
    interval: Interval
    counts: dict[str, list[list[int]]]


def answer(
    model: Any, base: Base, rows: EncodedRows, settings: Settings,
    progress: Callable[[int], object], say: Callable[[str], None],
) -> Answers:  # fmt: skip
    """Generate an answer to each of `rows`; says which way of decoding is taken and why."""
    sources = [rows.sources[i] for i in range(len(rows))]
    texts = generate(model, base, sources, settings.decoding, progress, say)
    if not task_of(settings.task).scores_perplexity:
        return Answers(texts)
    rows, there = perplexity_rows(base, rows), len(rows)
    if len(rows) < there:
        say(f"perplexity: over {len(rows)} of {there} rows; the references of the others "
            "do not fit into the model")  # fmt: skip
    if not len(rows):
        return Answers(texts)
    loss = mean_loss(model, rows, Collator(base), settings.decoding.batch_size)
    return Answers(texts, math.exp(min(loss, 50)))


def perplexity_rows(base: Base, rows: EncodedRows) -> EncodedRows:
    """The rows whose reference the model can read behind the source; where positions are computed
    and not looked up, all of them."""
    return rows.some(rows.whole) if has_learned_positions(base.model) else rows


def answer_of_base(
    base: Base, rows: EncodedRows, settings: Settings, model_content: str,
    progress: Callable[[int], object], say: Callable[[str], None], name: str = "before",
) -> Answers:  # fmt: skip
    """The untouched model's answers, computed once and kept for every run that shares them.

    `name` is what they are called where it is said that they were kept.
    """
    file = kept_answers(base, rows, settings, model_content)
    if kept := _kept(file, len(rows)):
        say(f"{name}: answers of the untouched model are kept from an earlier run")
        return kept
    remove_parts(file.parent, OLD)
    answers = answer(base.model, base, rows, settings, progress, say)
    write_json(file, {"texts": answers.texts, "perplexity": answers.perplexity})
    return answers


def _kept(file: Path, count: int) -> Answers | None:
    """The answers in `file`, where it holds as many; a damaged file is written anew."""
    content = read_json(file)
    known = content if isinstance(content, dict) else {}
    texts, perplexity = known.get("texts"), known.get("perplexity")
    if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
        return None
    is_whole = len(texts) == count and isinstance(perplexity, float | None)
    return Answers(texts, perplexity) if is_whole else None


def kept_answers(base: Base, rows: EncodedRows, settings: Settings, model_content: str) -> Path:
    """The file for the untouched model's answers; it need not be there."""
    return Path(settings.outputs) / ".before" / f"{_key(base, rows, settings, model_content)}.json"


def _key(base: Base, rows: EncodedRows, settings: Settings, model_content: str) -> str:
    decoding = settings.decoding
    versions = environment.versions()
    return digest(
        {
            "model": [model_content, base.dtype, base.device, settings.model.quantization,
                      settings.model.attention],
            "decoding": [decoding.max_new_tokens, decoding.num_beams, decoding.length_penalty,
                         decoding.no_repeat_ngram_size,
                         *_rows_at_once(base, settings)],
            "sources": rows.sources.content(),
            "targets": rows.targets.content(),
            "perplexity": task_of(settings.task).scores_perplexity,
            "versions": [versions.get(name) for name in environment.THAT_CHANGE_RESULTS],
        }
    )  # fmt: skip


def check_metrics(settings: Settings) -> None:
    """Raise RequestError where a metric of the task cannot score one answer, or gives no results.

    That is known before the work instead of behind it.
    """
    task = task_of(settings.task)
    for name in task.metrics:
        try:
            metrics.score([name], ["a b"], [["a b"]], **task.score_options())
        except Exception as error:
            place = place_of(error) or f"the metric {name} of {settings.task.name}"
            raise RequestError(Problem(place, in_words(error))) from error


def _rows_at_once(base: Base, settings: Settings) -> list[int]:
    """In half precision the order of sums, and with it an answer, depends on the batch."""
    return [] if base.dtype == "float32" else [settings.decoding.batch_size]


def assess(answers: Answers, rows: Sequence[Row], settings: Settings) -> Scored:
    """Score `answers` to `rows`, with a 95 % interval for the headline metric, if it has one."""
    task: Task = task_of(settings.task)
    headline = settings.task.headline
    scores = metrics.score(
        task.metrics, answers.texts, [task.references(row) for row in rows],
        **task.score_options(), intervals=[headline], seed=settings.data.seed,
    )  # fmt: skip
    values = dict(scores.values)
    if answers.perplexity is not None:
        values["perplexity"] = answers.perplexity
    return Scored(
        answers, values, scores.examples, scores.signatures, scores.intervals[headline],
        scores.counts,
    )  # fmt: skip
