"""The only place that calls sacrebleu's underscore methods.

sacrebleu has no public way to add up sentence statistics, which resampling a corpus metric needs;
its own bootstrap (sacrebleu.significance) calls the same two methods. A test holds the result
equal to the public corpus_score and sentence_score.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunebook.metrics.bootstrap import Matrix
from tunebook.metrics.metric import Result
from tunebook.metrics.rows import require_references


def sentence_statistics(
    metric: Any, predictions: Sequence[str], references: Sequence[Sequence[str]]
) -> Matrix:
    """What each sentence adds to the corpus statistics, shape (sentences, k).

    Args:
        metric: a sacrebleu metric; its signature is complete after this call.
        references: one or more texts a sentence; numbers may differ.
    """
    most = max(map(len, references))
    streams = [[row[i] if i < len(row) else None for row in references] for i in range(most)]
    found = metric._extract_corpus_statistics(predictions, streams)
    return np.asarray(found, dtype=np.float64)


def scores(metric: Any, sums: Matrix) -> Matrix:
    """Scores of summed statistics, shape (..., k) to (...)."""
    # compute_bleu expects whole numbers in lists; floats would slow it down.
    rows = sums.astype(np.int64).tolist()
    return np.array([metric._compute_score_from_stats(row).score for row in rows])


def corpus_result(
    key: str,
    corpus_metric: Any,
    sentence_metric: Any,
    predictions: Sequence[str],
    references: Sequence[Sequence[str]],
) -> Result:
    """The result of a corpus metric of sacrebleu, with scores of sentences beside it."""
    require_references(references)
    statistics = sentence_statistics(corpus_metric, predictions, references)
    return Result(
        key,
        value=float(scores(corpus_metric, statistics.sum(axis=0, keepdims=True))[0]),
        examples=scores(sentence_metric, statistics).tolist(),
        signature=str(corpus_metric.get_signature()),
        statistics=statistics,
        aggregate=lambda sums: scores(corpus_metric, sums),
        counts=statistics.astype(np.int64).tolist(),
    )
