"""Exact match and F1 of answers as SQuAD defines them (Rajpurkar et al., 2016 and 2018)."""

from collections.abc import Sequence
from typing import ClassVar

from tunebook.metrics.metric import Metric, Result, mean_result
from tunebook.metrics.text import WRITTEN_WITHOUT_SPACES, answer_tokens, token_f1

HIGHER_IS_BETTER = {"exact_match": True, "f1": True}


class SQuAD(Metric):
    """Exact match and F1 of normalised answers, from 0 to 100, averaged over examples; of several
    references the best counts. A question without references has no answer: an empty prediction or
    the no-answer text scores 100, all else 0. Chinese and Japanese answers are compared by
    characters, with SQuAD's F1 (the CMRC script counts the longest common substring instead)."""

    papers: ClassVar[str] = """
        @inproceedings{rajpurkar-etal-2016-squad, title = {{SQ}u{AD}: 100,000+ Questions for Machine
        Comprehension of Text}, author = {Rajpurkar, Pranav and Zhang, Jian and Lopyrev, Konstantin
        and Liang, Percy}, booktitle = {EMNLP}, year = {2016},
        url = {https://aclanthology.org/D16-1264}}
        @inproceedings{rajpurkar-etal-2018-know, title = {Know What You Don't Know: Unanswerable
        Questions for {SQ}u{AD}}, author = {Rajpurkar, Pranav and Jia, Robin and Liang, Percy},
        booktitle = {ACL}, year = {2018}, url = {https://aclanthology.org/P18-2124}}
        @inproceedings{cui-etal-2019-span, title = {A Span-Extraction Dataset for {C}hinese Machine
        Reading Comprehension}, author = {Cui, Yiming and others}, booktitle = {EMNLP},
        year = {2019}, url = {https://aclanthology.org/D19-1600}}
        """
    homepage_url: ClassVar[str] = "https://rajpurkar.github.io/SQuAD-explorer/"

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """Exact match and F1 under the keys "exact_match" and "f1"."""
        rows = list(map(self._compare, predictions, references))
        return {
            "exact_match": mean_result(
                "exact_match", [100.0 * exact for exact, _ in rows], self._signature("exact_match")
            ),
            "f1": mean_result("f1", [100.0 * f1 for _, f1 in rows], self._signature("f1")),
        }

    def _compare(self, prediction: str, references: Sequence[str]) -> tuple[float, float]:
        predicted = answer_tokens(prediction, self.language)
        # As in SQuAD 2.0, references that normalise to nothing are no answers.
        answers = [tokens for text in references if (tokens := answer_tokens(text, self.language))]
        if not answers:
            right = float(predicted in ([], answer_tokens(self.no_answer, self.language)))
            return right, right
        exact = float(predicted in answers)
        return exact, max(token_f1(predicted, answer) for answer in answers)

    def _signature(self, key: str) -> str:
        tokens = "characters" if self.language in WRITTEN_WITHOUT_SPACES else "words"
        articles = "removed" if self.language == "en" else "kept"
        return f"{key}|squad|refs:best|lang:{self.language}|tok:{tokens}|articles:{articles}"
