"""The base of every metric: an `evaluate.Metric` that needs no network and writes no files."""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import datasets
import evaluate
import numpy as np

from tunebook.metrics import bootstrap, corpus
from tunebook.metrics.bootstrap import Interval, Matrix
from tunebook.metrics.scoring import check_rows
from tunebook.metrics.text import primary_language

INPUTS = """
Args:
    predictions: one text an example.
    references: for each example a list of texts, or one text.

Returns:
    A dictionary from metric key to value, from 0 to 100.
"""


@dataclass(frozen=True)
class Result:
    """One value of a metric over a test set.

    examples: one score an example, from 0 to 100.
    statistics, aggregate: as in `bootstrap.interval`; None where resampling examples says nothing.
    counts: for each example the whole numbers that a corpus metric sums up; None for a metric whose
        value follows from `examples`.
    """

    key: str
    value: float
    examples: list[float]
    signature: str
    statistics: Matrix | None = None
    aggregate: Callable[[Matrix], Matrix] | None = None
    counts: list[list[int]] | None = None

    def interval(self, seed: int) -> Interval:
        """The 95 % bootstrap interval, (low, high); None where the metric has none.

        Distinct-n has none: a resample repeats examples, and repeated text lowers it by itself.
        """
        if self.statistics is None or self.aggregate is None:
            return None
        return bootstrap.interval(self.statistics, self.aggregate, seed=seed)


def mean_result(key: str, examples: Sequence[float], signature: str) -> Result:
    """The result of a metric whose value is the mean of its examples' scores."""
    column = np.asarray(examples, dtype=np.float64)[:, None]
    return Result(
        key,
        value=float(column.mean()),
        examples=column[:, 0].tolist(),
        signature=signature,
        statistics=column,
        aggregate=lambda sums: sums[:, 0] / len(column),
    )


def corpus_result(
    key: str,
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenizer: str = "13a",
) -> Result:
    """The result of sacrebleu's "bleu" or "chrf", with its scores of sentences beside it."""
    require_references(references)
    whole = corpus.sacrebleu_metric(key, tokenizer)
    sentence = corpus.sacrebleu_metric(key, tokenizer, effective_order=True)
    statistics = corpus.sentence_statistics(whole, predictions, references)
    return Result(
        key,
        value=float(corpus.scores(whole, statistics.sum(axis=0, keepdims=True))[0]),
        examples=corpus.scores(sentence, statistics).tolist(),
        signature=str(whole.get_signature()),
        statistics=statistics,
        aggregate=lambda sums: corpus.scores(whole, sums),
        counts=statistics.astype(np.int64).tolist(),
    )


def require_references(references: Sequence[Sequence[str]]) -> None:
    """Raise ValueError for the first row without a reference."""
    for row, texts in enumerate(references):
        if not texts:
            raise ValueError(f"references[{row}] is empty; this metric needs at least one text")


class Metric(evaluate.Metric):
    """Base class of the metrics; a subclass states its papers and measures.

    Args:
        language: code of the language of the texts, as in "fr" or "zh-CN".
        no_answer: the text by which a model says that a question has no answer.
        options: of `evaluate.Metric`. Examples stay in memory unless several processes share them.
    """

    papers: ClassVar[str]
    homepage_url: ClassVar[str]

    def __init__(
        self, *, language: str = "en", no_answer: str = "unanswerable", **options: Any
    ) -> None:
        self.language = primary_language(language)
        self.no_answer = no_answer
        options.setdefault("keep_in_memory", options.get("num_process", 1) == 1)
        super().__init__(**options)

    @abstractmethod
    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """Results by metric key. Rows have been checked with `scoring.check_rows`.

        Raises:
            ValueError: a row has no reference where the metric needs one.
        """

    def _info(self) -> Any:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description=inspect.cleandoc(type(self).__doc__ or ""),
            citation=inspect.cleandoc(self.papers),
            inputs_description=INPUTS,
            homepage=self.homepage_url,
            features=[
                datasets.Features({"predictions": text, "references": datasets.List(text)}),
                datasets.Features({"predictions": text, "references": text}),
            ],
        )

    def _compute(self, *, predictions: Any, references: Any) -> dict[str, float]:
        predictions = list(predictions)
        references = [[row] if isinstance(row, str) else row for row in references]
        check_rows(predictions, references)
        return {key: found.value for key, found in self.measure(predictions, references).items()}

    def _build_data_dir(self) -> Any:
        # evaluate makes a folder in ~/.cache even for examples that stay in memory.
        return "" if self.keep_in_memory else super()._build_data_dir()
