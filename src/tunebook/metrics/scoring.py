"""Score predictions against references with any of the metrics in this folder."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunebook.errors import did_you_mean
from tunebook.metrics.catalogue import check_name, keys

if TYPE_CHECKING:
    from tunebook.metrics.bootstrap import Interval
    from tunebook.metrics.metric import Metric, Result


@dataclass(frozen=True)
class Scores:
    """Scores of one test set, by metric key, from 0 to 100.

    examples: one score an example, in the order of the predictions. Sentence scores of a corpus
        metric (BLEU with effective order, chrF, distinct) do not average to its value.
    signatures: how each value was computed, to be quoted beside it.
    intervals: (low, high), the 95 % bootstrap interval of the values that it was asked for; None
        for a metric that has none ("distinct1"), and with fewer than two examples.
    counts: what each example adds to the sums of a corpus metric ("bleu", "chrf"), as
        `corpus.value_of` reads them; metrics whose value is a mean have none.
    """

    values: dict[str, float]
    examples: dict[str, list[float]]
    signatures: dict[str, str]
    intervals: dict[str, Interval]
    counts: dict[str, list[list[int]]]


def score(
    names: Sequence[str],
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    *,
    language: str = "en",
    no_answer: str = "unanswerable",
    intervals: Sequence[str] = (),
    seed: int = 0,
) -> Scores:
    """Score `predictions` with the metrics `names` ("bleu", "rouge", ...).

    Args:
        names: any of `tunebook.metrics.available()`.
        predictions: one text an example; an empty text scores 0, save where "squad" expects it.
        references: one or more texts an example, numbers may differ; for "squad" an empty list
            means that the question has no answer.
        language: code of the language of the texts ("fr", "zh-CN", "ja"); it chooses tokenizers.
        no_answer: the text by which a model says that a question has no answer.
        intervals: metric keys ("rougeL") that get a 95 % bootstrap interval.
        seed: of the bootstrap; the same seed gives the same interval.

    Raises:
        ValueError: an unknown metric or interval key, no examples, numbers of predictions and
            references that differ, a row of the wrong type or without references, or a language
            whose tokenizer is not installed.
    """
    _check_names(names)
    _check_intervals(intervals, [key for name in names for key in keys(name)])
    check_rows(predictions, references)
    results: dict[str, Result] = {}
    for name in dict.fromkeys(names):
        metric = metric_class(name)(language=language, no_answer=no_answer)
        results.update(_results_of(metric, name, predictions, references))
    return Scores(
        values={key: result.value for key, result in results.items()},
        examples={key: result.examples for key, result in results.items()},
        signatures={key: result.signature for key, result in results.items()},
        intervals={key: results[key].interval(seed) for key in dict.fromkeys(intervals)},
        counts={key: result.counts for key, result in results.items() if result.counts is not None},
    )


def _results_of(
    metric: Metric, name: str, predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, Result]:
    from tunebook.metrics.metric import Result

    found = metric.measure(predictions, references)
    wanted = set(keys(name))
    if not isinstance(found, dict) or set(found) != wanted:
        raise TypeError(f"measure of the metric {name} gives {found!r:.80}, no {sorted(wanted)}")
    for key, result in found.items():
        if not isinstance(result, Result) or len(result.examples) != len(predictions):
            raise TypeError(f"measure of {name} gives no Result with a score a row for {key}")
    return found


def metric_class(name: str) -> type[Metric]:
    """The subclass of `evaluate.Metric` in the file of metric `name`.

    Raises:
        ValueError: there is no such metric.
    """
    check_name(name)
    module = importlib.import_module(f"tunebook.metrics.{name}")
    from tunebook.metrics.metric import Metric

    classes = [item for item in vars(module).values() if isinstance(item, type)]
    own = [found for found in classes if found.__module__ == module.__name__]
    metrics = [found for found in own if issubclass(found, Metric)]
    if len(metrics) != 1:
        raise TypeError(f"{module.__file__} defines {len(metrics)} subclasses of Metric, not one")
    return metrics[0]


def check_rows(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Raise ValueError unless there is one text and one list of texts for each example."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions but {len(references)} rows of references")
    if not predictions:
        raise ValueError("no examples to score")
    for row, (prediction, texts) in enumerate(zip(predictions, references, strict=True)):
        if not isinstance(prediction, str):
            raise ValueError(f"predictions[{row}] is {prediction!r}, not a text")
        if isinstance(texts, str) or not isinstance(texts, Sequence):
            raise ValueError(f"references[{row}] is {texts!r}; give a list of texts for each one")
        if wrong := [text for text in texts if not isinstance(text, str)]:
            raise ValueError(f"references[{row}] holds {wrong[0]!r}, not a text")


def _check_names(names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise ValueError(f"names is the text {names!r}; give a list of metrics: [{names!r}]")
    if not names:
        raise ValueError("no metric to score with")
    for name in names:
        check_name(name)


def _check_intervals(intervals: Sequence[str], computed: Sequence[str]) -> None:
    if isinstance(intervals, str):
        raise ValueError(f"intervals is the text {intervals!r}; give a list: [{intervals!r}]")
    for key in intervals:
        if key not in computed:
            raise ValueError(f"no value {key!r} to give an interval. {did_you_mean(key, computed)}")
