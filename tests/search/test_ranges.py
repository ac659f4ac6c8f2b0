"""What a search may try, and what is wrong with what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunebook import folders
from tunebook.errors import RequestError
from tunebook.search.ranges import Range, ranges_of, with_values
from tunebook.settings import Settings, resolve

Compose = Callable[..., Settings]
METHODS = [name for name in folders.options("method") if name not in ("zero_shot", "instruction")]


@pytest.fixture
def lora(settings: Compose, t5_folder: Path) -> Settings:
    return resolve(settings(f"model.path={t5_folder}", "method=lora")).settings


def searching(settings: Settings, key: str, rule: Any) -> Settings:
    settings.method.search = {key: rule}
    return settings


def told(settings: Settings) -> str:
    with pytest.raises(RequestError) as caught:
        ranges_of(settings)
    return str(caught.value)


def test_within_a_factor_is_even_on_a_logarithmic_scale() -> None:
    one = Range("training.learning_rate", {"factor": 10}, 0.3, whole=False)
    assert [one.at(share) for share in (0, 0.25, 0.5, 0.75, 0.999)] == [0.03, 0.095, 0.3, 0.95, 3.0]


def test_between_two_numbers() -> None:
    evenly = Range("method.lora_dropout", {"low": 0.0, "high": 0.2}, 0.0, whole=False)
    assert [evenly.at(share) for share in (0, 0.5, 0.999)] == [0.0, 0.1, 0.2]
    whole = Range("method.r", {"low": 1, "high": 64, "log": True}, 8, whole=True)
    assert [whole.at(share) for share in (0, 0.5, 0.999)] == [1, 8, 64]
    assert isinstance(whole.at(0.3), int)


def test_among_a_few_values_each_has_an_equal_share() -> None:
    one = Range("method.init", {"among": ["text", "random", "vocabulary"]}, "text", whole=False)
    drawn = [one.at(share / 300) for share in range(300)]
    assert [drawn.count(value) for value in ("text", "random", "vocabulary")] == [100, 100, 100]


@pytest.mark.parametrize("family", ["t5", "llama"])
@pytest.mark.parametrize("method", METHODS)
def test_every_shipped_range_holds_its_default(
    method: str, family: str, settings: Compose, tiny_models: dict[str, Path]
) -> None:
    given = resolve(settings(f"model.path={tiny_models[family]}", f"method={method}")).settings
    found = ranges_of(given)
    assert "training.learning_rate" in [one.key for one in found]
    for one in found:
        for share in (0, 0.4, 0.999):
            with_values(given, {one.key: one.at(share)})
        if "factor" in one.rule:
            assert one.at(0.5) == pytest.approx(one.default, rel=0.05)  # two digits
        else:
            assert one.default in one.rule["among"]


def test_a_method_that_names_nothing_searches_its_learning_rate(lora: Settings) -> None:
    lora.method.search = {}
    (only,) = ranges_of(lora)
    assert (only.key, only.default) == ("training.learning_rate", 2e-4)


def test_a_fixed_key_is_not_searched(lora: Settings) -> None:
    lora.tune.fixed = ["method.r"]
    assert [one.key for one in ranges_of(lora)] == ["training.learning_rate"]


@pytest.mark.parametrize(("key", "rule", "words"), [
    ("data.seed", {"low": 1, "high": 2}, "is no key of method or training"),
    ("training.max_steps", {"factor": 2}, "is the budget"),
    ("method.rank", {"factor": 2}, "no such key to search"),
    ("method.kind", {"among": ["lora"]}, "no such key to search"),
    ("method.r", {"choose": [1]}, "is no range. Write {among: [A, B]}"),
    ("method.r", {"low": 1}, "is no range"),
    ("method.r", {"among": []}, "among expects a list of values"),
    ("method.r", {"factor": "ten"}, "expects numbers"),
    ("method.r", {"factor": 1}, "factor must be above 1, got 1"),
    ("method.r", {"low": 4, "high": 4}, "low must be below high"),
    ("method.r", {"low": 0, "high": 4, "log": True}, "low must be above 0"),
    ("method.lora_dropout", {"factor": 10}, "its default is 0.0, which has no factor"),
])  # fmt: skip
def test_a_range_that_is_wrong(key: str, rule: Any, words: str, lora: Settings) -> None:
    problem = told(searching(lora, key, rule))
    assert problem.startswith(f"method.search.{key}: ")
    assert words in problem


def test_every_wrong_range_is_told_at_once(lora: Settings) -> None:
    lora.method.search = {"method.r": {"factor": 0}, "seed": {"factor": 2}}
    assert told(lora).count("method.search.") == 2


def test_a_value_that_is_not_allowed(lora: Settings) -> None:
    with pytest.raises(RequestError, match=r"method\.r: must be at least 1, got 0"):
        with_values(lora, {"method.r": 0})
    assert with_values(lora, {"method.r": 3}).method.r == 3  # type: ignore[attr-defined]
    assert lora.method.r == 8  # type: ignore[attr-defined]
