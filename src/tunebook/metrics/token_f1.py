"""Token F1 of responses, as dialogue work reports it (Dinan et al., 2019)."""

from collections.abc import Sequence
from typing import ClassVar

from tunebook.metrics import text
from tunebook.metrics.metric import Metric, Result, mean_result, require_references

HIGHER_IS_BETTER = {"token_f1": True}


class TokenF1(Metric):
    """F1 of the words that a response shares with its reference, from 0 to 100, averaged over
    examples; words are normalised like SQuAD's answers, and of several references the best
    counts."""

    papers: ClassVar[str] = """
        @inproceedings{dinan-etal-2019-wizard, title = {Wizard of {W}ikipedia: Knowledge-Powered
        Conversational Agents}, author = {Dinan, Emily and Roller, Stephen and Shuster, Kurt and
        Fan, Angela and Auli, Michael and Weston, Jason}, booktitle = {ICLR}, year = {2019},
        url = {https://arxiv.org/abs/1811.01241}}
        """
    homepage_url: ClassVar[str] = "https://parl.ai/docs/tutorial_metrics.html"

    def measure(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]]
    ) -> dict[str, Result]:
        """F1 under the key "token_f1".

        Raises:
            ValueError: a row has no reference.
        """
        require_references(references)
        examples = [100 * self._best(*row) for row in zip(predictions, references, strict=True)]
        signature = f"token_f1|refs:best|norm:squad|lang:{self.language}"
        return {"token_f1": mean_result("token_f1", examples, signature)}

    def _best(self, prediction: str, references: Sequence[str]) -> float:
        predicted = text.answer_tokens(prediction, self.language)
        answers = [text.answer_tokens(reference, self.language) for reference in references]
        return max(text.token_f1(predicted, answer) for answer in answers)
