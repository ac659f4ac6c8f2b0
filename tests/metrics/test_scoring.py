"""What every metric has in common, seen through `score` and through `evaluate`'s own methods."""

from pathlib import Path
from typing import Any

import pytest

from tests.metrics.test_catalogue import SHIPPED
from tunebook.metrics import available, keys, score
from tunebook.metrics.scoring import metric_class

TWO: dict[str, Any] = {
    "predictions": ["a cat sat here today", "no"],
    "references": [["a cat sat here"], ["yes"]],
}


def test_scores_hold_a_row_for_each_example_and_a_signature_for_each_value() -> None:
    scores = score(available(), **TWO)
    assert len(scores.values) == sum(len(keys(name)) for name in available())
    assert scores.values.keys() == scores.examples.keys() == scores.signatures.keys()
    assert {len(rows) for rows in scores.examples.values()} == {2}
    assert all(scores.signatures.values())
    assert scores.intervals == {}


def test_empty_predictions_score_zero() -> None:
    scores = score(available(), ["", "  "], [["a b c d"], ["é", ""]])
    assert set(scores.values.values()) == {0.0}


@pytest.mark.parametrize("text", ["", " \n ", "...", "🙂", "\u0301", "漢字カナ", "a" * 3000])
@pytest.mark.parametrize("language", ["en", "zh", "ja", "ar"])
def test_odd_text_never_crashes(text: str, language: str) -> None:
    scores = score(available(), [text, "x"], [[text], ["...", ""]], language=language)
    assert all(0 <= value <= 100.0001 for value in scores.values.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": ["rogue"]}, "unknown metric 'rogue'. Did you mean rouge"),
        ({"names": ["rougeL"]}, "'rougeL': it is a value of the metric 'rouge'"),
        ({"names": []}, "no metric to score with"),
        ({"names": "rouge"}, r"give a list of metrics: \['rouge'\]"),
        ({"predictions": ["a"]}, "1 predictions but 2 rows of references"),
        ({"predictions": [], "references": []}, "no examples to score"),
        ({"predictions": ["a", None]}, r"predictions\[1\] is None"),
        ({"references": ["a", "b"]}, r"references\[0\] is 'a'; give a list of texts"),
        ({"references": [["a"], [None]]}, r"references\[1\] holds None"),
        ({"references": [["a"], []]}, r"references\[1\] is empty"),
        ({"intervals": ["rougel"]}, "no value 'rougel' .*Did you mean rougeL"),
        ({"intervals": "rougeL"}, r"give a list: \['rougeL'\]"),
        ({"language": "Chinese"}, "'Chinese' is not a language code"),
    ],
)
def test_bad_calls_say_what_is_wrong(change: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"names": ["rouge"], **TWO, **change}
    with pytest.raises(ValueError, match=message):
        score(**call)


@pytest.mark.parametrize("name", available())
def test_evaluate_interface_agrees_with_score(name: str) -> None:
    expected = score([name], **TWO).values
    assert metric_class(name)().compute(**TWO) == expected
    one_by_one = metric_class(name)()
    for prediction, reference in zip(*TWO.values(), strict=True):
        one_by_one.add(prediction=prediction, reference=reference)
    assert one_by_one.compute() == expected
    batches = metric_class(name)()
    batches.add_batch(**TWO)
    assert batches.compute() == expected
    plain = metric_class(name)().compute(
        predictions=TWO["predictions"], references=["a cat sat here", "yes"]
    )
    assert plain == expected


@pytest.mark.parametrize("name", SHIPPED)
def test_module_info_names_description_and_paper(name: str) -> None:
    info = metric_class(name)().info
    assert len(info.description) > 80
    assert "@inproceedings{" in info.citation
    assert info.homepage.startswith("https://")


def test_evaluate_interface_checks_rows_too() -> None:
    with pytest.raises(ValueError, match=r"references\[0\] is empty"):
        metric_class("rouge")().compute(predictions=["a"], references=[[]])


def test_nothing_is_written_printed_or_logged(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import evaluate

    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    tokenized = {"predictions": ["a b ."] * 120, "references": [["a b ."]] * 120}
    for name in available():
        metric_class(name)().compute(**tokenized)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
