"""ROUGE (Lin, 2004), computed by rouge_score with a tokenizer for every script."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from rouge_score.rouge_scorer import RougeScorer
from rouge_score.tokenizers import Tokenizer

from tunebook.metrics.metric import Metric, Result, mean_result, require_references
from tunebook.metrics.text import words

HIGHER_IS_BETTER = {"rouge1": True, "rouge2": True, "rougeL": True, "rougeLsum": True}


class UnicodeTokenizer(Tokenizer):
    """Words of any script (`text.words`), for rouge_score.

    rouge_score's own tokenizer drops every letter outside a-z: French words break at accents and
    Chinese scores 0.
    """

    def tokenize(self, text: str) -> list[str]:
        return words(text)


class ROUGE(Metric):
    """ROUGE-1, -2, -L and -Lsum as F1, from 0 to 100, averaged over examples; of several references
    the best counts, for each of the four by itself. ROUGE-Lsum takes each line of a text as a
    sentence, as rouge_score does: put one sentence on a line, else it equals ROUGE-L. Words are
    case-folded and keep accents; Chinese and Japanese are split into characters; no stemming."""

    papers: ClassVar[str] = """
        @inproceedings{lin-2004-rouge, title = {{ROUGE}: A Package for Automatic Evaluation of
        Summaries}, author = {Lin, Chin-Yew}, booktitle = {Text Summarization Branches Out},
        year = {2004}, url = {https://aclanthology.org/W04-1013}}
        """
    homepage_url: ClassVar[str] = (
        "https://github.com/google-research/google-research/tree/master/rouge"
    )

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """ROUGE under the keys of `HIGHER_IS_BETTER`.

        Raises:
            ValueError: a row has no reference.
        """
        require_references(references)
        rows = list(map(_Scorer().score, references, predictions))
        return {key: _result(key, rows) for key in HIGHER_IS_BETTER}


class _Scorer:
    def __init__(self) -> None:
        one_line = [key for key in HIGHER_IS_BETTER if key != "rougeLsum"]
        self.one_line = RougeScorer(one_line, tokenizer=UnicodeTokenizer())
        self.lines = RougeScorer(list(HIGHER_IS_BETTER), tokenizer=UnicodeTokenizer())

    def score(self, references: Sequence[str], prediction: str) -> dict[str, Any]:
        if any("\n" in text for text in (prediction, *references)):
            return self.lines.score_multi(references, prediction)
        # On single lines ROUGE-Lsum is ROUGE-L; computing it again would double the time.
        found = self.one_line.score_multi(references, prediction)
        return {**found, "rougeLsum": found["rougeL"]}


def _result(key: str, rows: list[dict[str, Any]]) -> Result:
    signature = f"{key}|F1|refs:best|tok:unicode-words|stem:no|rouge_score:{version('rouge_score')}"
    if key == "rougeLsum":
        signature += "|sentences:lines"
    return mean_result(key, [100 * row[key].fmeasure for row in rows], signature)
