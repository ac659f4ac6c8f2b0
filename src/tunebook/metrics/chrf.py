"""chrF (Popović, 2015), computed by sacrebleu (Post, 2018)."""

from collections.abc import Sequence
from typing import ClassVar

from tunebook.metrics.metric import Metric, Result, corpus_result

HIGHER_IS_BETTER = {"chrf": True}


class ChrF(Metric):
    """Corpus chrF2, from 0 to 100: F-score of character n-grams up to 6, recall counted twice as
    much as precision, whitespace ignored. It needs no tokenizer and suits every language."""

    papers: ClassVar[str] = """
        @inproceedings{popovic-2015-chrf, title = {chr{F}: character n-gram {F}-score for automatic
        {MT} evaluation}, author = {Popovi{\\'c}, Maja}, booktitle = {WMT}, year = {2015},
        url = {https://aclanthology.org/W15-3049}}
        @inproceedings{post-2018-call, title = {A Call for Clarity in Reporting {BLEU} Scores},
        author = {Post, Matt}, booktitle = {WMT}, year = {2018},
        url = {https://aclanthology.org/W18-6319}}
        """
    homepage_url: ClassVar[str] = "https://github.com/mjpost/sacrebleu"

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """chrF under the key "chrf".

        Raises:
            ValueError: a row has no reference.
        """
        return {"chrf": corpus_result("chrf", predictions, references)}
