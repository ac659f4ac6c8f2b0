"""Composed dictionaries to settings: hints, and the defaults that methods and models hold."""

from __future__ import annotations

from typing import Any

import pytest

from tunebook.errors import RequestError
from tunebook.settings import settings_from
from tunebook.settings.reading import every_key, places_of
from tunebook.settings.resolve import filled


def composed(**more: Any) -> dict[str, Any]:
    """The least that makes settings."""
    return {
        "task": {"name": "qa", "kind": "qa", "headline": "f1"},
        "data": {"name": "village", "source": "village"},
        "model": {"name": "m", "path": "p"},
        "method": {"name": "lora", "kind": "lora"},
        "template": {"name": "bare", "text": "{{ bare }}"},
        **more,
    }


def told(**more: Any) -> list[str]:
    with pytest.raises(RequestError) as refused:
        settings_from(composed(**more))
    return [str(problem) for problem in refused.value.problems]


def test_the_least_makes_settings() -> None:
    settings = settings_from(composed())
    assert settings.method.r == 8  # type: ignore[attr-defined]
    assert settings.data.max_skipped_share == 0.05


@pytest.mark.parametrize("group", ["task", "data", "model", "method", "template"])
def test_a_missing_group(group: str) -> None:
    parts = composed()
    del parts[group]
    with pytest.raises(RequestError) as refused:
        settings_from(parts)
    assert [str(problem) for problem in refused.value.problems] == [
        f"{group}: is missing. Set {group}=NAME."
    ]


def test_an_unknown_kind() -> None:
    assert told(method={"name": "x", "kind": "lorra"}) == [
        "method.kind: 'lorra' is no kind of method. Did you mean lora?"
    ]


@pytest.mark.parametrize(("more", "hint"), [
    ({"seeed": 1}, "seeed: no such key. Did you mean seed?"),
    ({"max_steps": 1}, "max_steps: no such key. Did you mean training.max_steps?"),
    ({"r": 1}, "r: no such key. Did you mean method.r?"),
    ({"init_text": "a"}, "init_text: init_text belongs to method=prefix or prompt; you "
                         "chose lora. Remove it, or set method=prefix or prompt."),
    ({"source_language": "a"}, "source_language: source_language belongs to task=translate; you "
                               "chose qa. Remove it, or set task=translate."),
    ({"training": {"num_beams": 2}}, "training.num_beams: no such key. Did you mean "
                                     "decoding.num_beams?"),
    ({"training": {"max_step": 2}}, "training.max_step: no such key. Did you mean "
                                    "training.max_steps?"),
])  # fmt: skip
def test_a_hint(more: dict[str, Any], hint: str) -> None:
    assert told(**more) == [hint]


def defaults(**values: Any) -> dict[str, Any]:
    return {"name": "lora", "kind": "lora", "by_family": {"decoder-only": values}}


@pytest.mark.parametrize(("values", "problem"), [
    ({"training.learning_rat": 1.0}, "training.learning_rat: no such key. Did you mean "
                                     "training.learning_rate?"),
    ({"training.learning_rate": "fast"}, "training.learning_rate: expects a number, got 'fast'"),
    ({"training.learning_rate": -1}, "training.learning_rate: must be above 0, got -1"),
    ({"training.warmup_steps": 5}, "training.warmup_steps: always has a value, so that a default "
                                   "never counts. Remove it, or set training.warmup_steps itself."),
])  # fmt: skip
def test_a_default_is_checked_as_the_key_is(values: dict[str, Any], problem: str) -> None:
    assert told(method=defaults(**values)) == [f"method.by_family.decoder-only.{problem}"]
    model = {"name": "m", "path": "p", "by_method": {"lora": values}}
    assert told(model=model) == [f"model.by_method.lora.{problem}"]


def test_a_default_of_an_option_of_another_method() -> None:
    settings = settings_from(composed(method=defaults(**{"method.init_text": "Summarize:"})))
    found, origins = filled(settings, "decoder-only")
    assert not hasattr(found.method, "init_text")
    assert "method.init_text" not in origins
    wrong = defaults(**{"method.init_text": [1]})
    assert told(method=wrong)[0].startswith("method.by_family.decoder-only.method.init_text: exp")


def test_a_default_of_an_unknown_family() -> None:
    method = {"name": "lora", "kind": "lora", "by_family": {"decoder": {}}}
    assert "method.by_family.decoder: no such family." in told(method=method)[0]


def test_places() -> None:
    assert places_of("batch_size") == ["decoding.batch_size", "training.batch_size"]
    assert places_of("banana") == []
    keys = [where for where, _ in every_key()]
    assert len(keys) == len(set(keys))
    assert {"seed", "data.limit.train", "method.r", "task.no_answer"} <= set(keys)
