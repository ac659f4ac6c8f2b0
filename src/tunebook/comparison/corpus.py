"""Metrics from sums over examples, for many sums at once.

BLEU and chrF are corpus metrics: they are computed from n-gram counts that are summed over all
examples, so that a resample of the examples needs each example's counts, not its own score (Koehn,
2004). The formulas are sacrebleu's, written for arrays; a test holds them equal to sacrebleu.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunebook.metrics.bootstrap import Matrix

CORPUS_METRICS = ("bleu", "chrf")
NOT_RESAMPLED = ("distinct1", "distinct2")
BLEU_ORDERS = 4
BETA = 2  # of chrF: recall counts twice as much as precision


def value_of(name: str, sums: Matrix, examples: int) -> Matrix:
    """Metric `name`, from 0 to 100, of `sums`, shape (..., k) to (...).

    Any metric but BLEU and chrF is the mean of its examples' scores.
    """
    if name == "bleu":
        return bleu(sums)
    if name == "chrf":
        return chrf(sums)
    return sums[..., 0] / examples


def bleu(sums: Matrix) -> Matrix:
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


def chrf(sums: Matrix) -> Matrix:
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


def statistics_of(
    name: str, texts: Sequence[str], references: Sequence[Sequence[str]], signature: str
) -> Matrix:
    """What each text adds to the sums of BLEU or chrF, shape (texts, k), counted by sacrebleu.

    Args:
        signature: sacrebleu's own; BLEU's tokenizer is read from it.
    """
    most = max(map(len, references))
    streams = [[row[i] if i < len(row) else None for row in references] for i in range(most)]
    metric = _metric(name, _tokenizer(signature))
    return np.asarray(metric._extract_corpus_statistics(texts, streams), dtype=np.float64)


def _tokenizer(signature: str) -> str:
    parts = dict(part.partition(":")[::2] for part in signature.split("|"))
    return parts.get("tok", "13a")


@functools.cache
def _metric(name: str, tokenizer: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return BLEU(tokenize=tokenizer, force=True) if name == "bleu" else CHRF()
