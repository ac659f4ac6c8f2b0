"""Checks of the rows that metrics are given."""

from collections.abc import Sequence


def check_rows(predictions: Sequence[str], references: Sequence[Sequence[str]]) -> None:
    """Raise ValueError unless there is one text and one list of texts for each example."""
    if len(predictions) != len(references):
        raise ValueError(f"{len(predictions)} predictions but {len(references)} rows of references")
    if not predictions:
        raise ValueError("no examples to score")
    for row, (prediction, texts) in enumerate(zip(predictions, references, strict=True)):
        _check_row(row, prediction, texts)


def require_references(references: Sequence[Sequence[str]]) -> None:
    """Raise ValueError for the first row without a reference."""
    for row, texts in enumerate(references):
        if not texts:
            raise ValueError(f"references[{row}] is empty; this metric needs at least one text")


def _check_row(row: int, prediction: object, texts: object) -> None:
    if not isinstance(prediction, str):
        raise ValueError(f"predictions[{row}] is {prediction!r}, not a text")
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise ValueError(f"references[{row}] is {texts!r}; give a list of texts for each example")
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"references[{row}] holds {text!r}, not a text")
