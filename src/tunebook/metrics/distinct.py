"""Distinct-1 and distinct-2: how varied the responses are (Li et al., 2016)."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from tunebook.metrics.metric import Metric, Result
from tunebook.metrics.text import words

HIGHER_IS_BETTER = {"distinct1": True, "distinct2": True}


class Distinct(Metric):
    """Number of different words (distinct-1) or pairs of words (distinct-2) in all responses, for
    100 words generated, as Li et al. (2016) define them. References play no part. Longer output
    scores lower: compare only test sets of one size. It has no bootstrap interval."""

    papers: ClassVar[str] = """
        @inproceedings{li-etal-2016-diversity, title = {A Diversity-Promoting Objective Function for
        Neural Conversation Models}, author = {Li, Jiwei and Galley, Michel and Brockett, Chris and
        Gao, Jianfeng and Dolan, Bill}, booktitle = {NAACL}, year = {2016},
        url = {https://aclanthology.org/N16-1014}}
        """
    homepage_url: ClassVar[str] = "https://aclanthology.org/N16-1014"

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """Distinct-n under the keys "distinct1" and "distinct2"."""
        responses = [words(prediction) for prediction in predictions]
        return {f"distinct{n}": _result(responses, n) for n in (1, 2)}


def distinct(responses: Iterable[Sequence[str]], n: int) -> float:
    """Different n-grams for 100 tokens in `responses`, from 0 to 100; 0 if there are no tokens."""
    responses = list(responses)
    total = sum(map(len, responses))
    different = {gram for tokens in responses for gram in _n_grams(tokens, n)}
    return 100 * len(different) / total if total else 0.0


def _n_grams(tokens: Sequence[str], n: int) -> Iterable[tuple[str, ...]]:
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def _result(responses: Sequence[Sequence[str]], n: int) -> Result:
    return Result(
        f"distinct{n}",
        value=distinct(responses, n),
        examples=[distinct([tokens], n) for tokens in responses],
        signature=f"distinct{n}|n-grams:{n}|per:100 tokens|tok:unicode-words",
    )
