"""BLEU (Papineni et al., 2002), computed by sacrebleu (Post, 2018)."""

from collections.abc import Sequence
from typing import ClassVar

from tunebook.metrics.metric import Metric, Result, corpus_result
from tunebook.metrics.tokenizers import tokenizer_for

HIGHER_IS_BETTER = {"bleu": True}


class BLEU(Metric):
    """Corpus BLEU of up to four-grams, from 0 to 100, with sacrebleu's tokenizers: "zh" for
    Chinese, "ja-mecab" for Japanese, "ko-mecab" for Korean, "13a" for all other languages.
    Sentences are scored with effective order."""

    papers: ClassVar[str] = """
        @inproceedings{papineni-etal-2002-bleu, title = {{BLEU}: a Method for Automatic Evaluation
        of Machine Translation}, author = {Papineni, Kishore and Roukos, Salim and Ward, Todd and
        Zhu, Wei-Jing}, booktitle = {ACL}, year = {2002}, url = {https://aclanthology.org/P02-1040}}
        @inproceedings{post-2018-call, title = {A Call for Clarity in Reporting {BLEU} Scores},
        author = {Post, Matt}, booktitle = {WMT}, year = {2018},
        url = {https://aclanthology.org/W18-6319}}
        """
    homepage_url: ClassVar[str] = "https://github.com/mjpost/sacrebleu"

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """BLEU under the key "bleu".

        Raises:
            ValueError: a row has no reference, or the language's tokenizer is not installed.
        """
        tokenizer = tokenizer_for(self.language)
        return {"bleu": corpus_result("bleu", predictions, references, tokenizer)}
