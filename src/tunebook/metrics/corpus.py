"""BLEU and chrF from sums over examples: by sacrebleu, and its formulas for many sums at once.

Both are computed from n-gram counts that are summed over all examples, so that a resample of the
examples needs each example's counts, not its own score (Koehn, 2004). sacrebleu has no public way
to add them up; its own bootstrap (sacrebleu.significance) calls the same two underscore methods.
Tests hold the sums equal to the public corpus_score and sentence_score, and `value_of` to both.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunebook.metrics.bootstrap import Matrix

CORPUS_METRICS = {"bleu": 10, "chrf": 18}
"""Each with the number of its sums."""
BLEU_ORDERS = 4
BETA = 2  # of chrF: recall counts twice as much as precision


@functools.cache
def sacrebleu_metric(name: str, tokenizer: str, *, effective_order: bool = False) -> Any:
    """sacrebleu's "bleu" or "chrf"; what a tokenizer or effective order is to chrF is fixed."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    if name == "chrf":
        return CHRF()
    # force only silences the warning about text that looks tokenized.
    return BLEU(tokenize=tokenizer, effective_order=effective_order, force=True)


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
    """sacrebleu's scores of summed statistics, shape (..., k) to (...)."""
    # compute_bleu expects whole numbers in lists; floats would slow it down.
    rows = sums.astype(np.int64).tolist()
    return np.array([metric._compute_score_from_stats(row).score for row in rows])


def statistics_of(
    name: str, texts: Sequence[str], references: Sequence[Sequence[str]], signature: str
) -> Matrix:
    """What each text adds to the sums of BLEU or chrF, shape (texts, k), counted by sacrebleu.

    Args:
        signature: sacrebleu's own; BLEU's tokenizer is read from it.
    """
    parts = dict(part.partition(":")[::2] for part in signature.split("|"))
    return sentence_statistics(sacrebleu_metric(name, parts.get("tok", "13a")), texts, references)


def value_of(name: str, sums: Matrix, examples: int) -> Matrix:
    """Metric `name`, from 0 to 100, of `sums`, shape (..., k) to (...).

    Any metric but BLEU and chrF is the mean of its examples' scores.
    """
    if name == "bleu":
        return _bleu(sums)
    return _chrf(sums) if name == "chrf" else sums[..., 0] / examples


def _bleu(sums: Matrix) -> Matrix:
    """Corpus BLEU (Papineni et al., 2002) with sacrebleu's exponential smoothing.

    Args:
        sums: shape (..., 10): length of the output, of the reference, then for n from 1 to 4 the
            matching n-grams, then all n-grams of the output.
    """
    length, reference = sums[..., 0], sums[..., 1]
    matches, totals = sums[..., 2 : 2 + BLEU_ORDERS], sums[..., 2 + BLEU_ORDERS :]
    halvings = np.cumsum((matches == 0) & (totals > 0), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        smoothed = np.where(matches > 0, matches, 0.5**halvings) / totals
        logs = np.where(totals > 0, np.log(smoothed), -np.inf).mean(axis=-1)
        penalty = np.where(length < reference, np.exp(1 - reference / length), 1.0)
    found = 100 * np.where(length > 0, penalty, 0.0) * np.exp(logs)
    return np.where(matches.any(axis=-1), found, 0.0)


def _chrf(sums: Matrix) -> Matrix:
    """Corpus chrF2 (Popović, 2015) with sacrebleu's effective order.

    Args:
        sums: shape (..., 18): for n from 1 to 6 the character n-grams of the output, of the
            reference, and of both.
    """
    output, reference, both = sums[..., 0::3], sums[..., 1::3], sums[..., 2::3]
    counted = (output > 0) & (reference > 0)
    orders = np.maximum(counted.sum(axis=-1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(counted, both / output, 0.0).sum(axis=-1) / orders
        recall = np.where(counted, both / reference, 0.0).sum(axis=-1) / orders
        found = (1 + BETA**2) * precision * recall / (BETA**2 * precision + recall)
    return np.where(precision + recall > 0, 100 * found, 0.0)
