"""Dataclasses read from plain dictionaries: each type, each rule, every problem at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tunebook.errors import Problem
from tunebook.typed import did_you_mean, read, required, setting


@dataclass
class Inner:
    """Keys below a key."""

    depth: int = setting(1, "how deep", at_least=0, at_most=9)


@dataclass
class Outer:
    """One key of each type."""

    name: str = required("what it is called")
    count: int = setting(1, "how many", at_least=1)
    rate: float = setting(0.5, "how fast", above=0)
    is_on: bool = setting(False, "whether")
    maybe: int | None = setting(None, "how many, if known", at_least=1)
    kind: str = setting("a", "which", choices=("apple", "a"))
    words: list[str] = setting([], "several", choices=("one", "two", "three"))
    rates: list[float] = setting([], "several numbers")
    open: dict[str, Any] = setting({}, "anything")
    columns: dict[str, str] = setting({}, "texts by name")
    inner: Inner = setting(Inner, "more keys")


def found(**values: Any) -> tuple[Outer | None, list[str]]:
    problems: list[Problem] = []
    outer = read(Outer, {"name": "x", **values}, "top", problems)
    return outer, [str(problem) for problem in problems]


@pytest.mark.parametrize(("key", "given", "read_as"), [
    ("name", "x", "x"), ("name", 3, "3"), ("name", 2.5, "2.5"),
    ("count", 3, 3), ("count", 1e3, 1000),
    ("rate", 3, 3.0), ("rate", 0.25, 0.25),
    ("is_on", True, True),
    ("maybe", None, None), ("maybe", 2, 2),
    ("words", "one", ["one"]), ("words", ["one", "two"], ["one", "two"]),
    ("rates", [1, 2.5], [1.0, 2.5]),
    ("open", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
    ("columns", {"document": "article"}, {"document": "article"}),
    ("inner", {"depth": 3}, Inner(3)), ("inner", {}, Inner(1)),
])  # fmt: skip
def test_a_value_that_fits(key: str, given: Any, read_as: Any) -> None:
    outer, problems = found(**{key: given})
    assert problems == []
    value = getattr(outer, key)
    assert value == read_as
    assert type(value) is type(read_as)


@pytest.mark.parametrize(("key", "given", "told"), [
    ("name", None, "top.name: expects text, got nothing (null)"),
    ("name", True, "top.name: expects text, got True"),
    ("name", ["a"], "top.name: expects text, got ['a']"),
    ("count", "3", "top.count: expects a whole number, got '3'"),
    ("count", 2.5, "top.count: expects a whole number, got 2.5"),
    ("count", True, "top.count: expects a whole number, got True"),
    ("count", 0, "top.count: must be at least 1, got 0"),
    ("rate", "", "top.rate: expects a number, got nothing"),
    ("rate", False, "top.rate: expects a number, got False"),
    ("rate", float("nan"), "top.rate: expects a number, got nan"),
    ("rate", float("inf"), "top.rate: expects a number, got inf"),
    ("rate", 0, "top.rate: must be above 0, got 0"),
    ("is_on", 1, "top.is_on: expects true or false, got 1"),
    ("is_on", "yes", "top.is_on: expects true or false, got 'yes'"),
    ("maybe", "x", "top.maybe: expects a whole number, got 'x'"),
    ("maybe", 0, "top.maybe: must be at least 1, got 0"),
    ("kind", "appel", "top.kind: 'appel' is not allowed. Did you mean apple?"),
    ("kind", "z", "top.kind: 'z' is not allowed. Choose from: a, apple"),
    ("words", 3, "top.words: expects a list, got 3. Set 'top.words=[a,b]'."),
    ("words", ["one", "thre"], "top.words: 'thre' is not allowed. Did you mean three?"),
    ("words", [None], "top.words[0]: expects text, got nothing (null)"),
    ("rates", [1, "x"], "top.rates[1]: expects a number, got 'x'"),
    ("open", 3, "top.open: holds keys of its own, so it cannot be 3. Set top.open.KEY."),
    ("columns", {"a": {"b": 1}}, "top.columns.a: expects text, got {'b': 1}"),
    ("inner", None, "top.inner: holds keys of its own, so it cannot be nothing (null). "
                    "Set top.inner.depth."),
    ("inner", {"depth": 10}, "top.inner.depth: must be at most 9, got 10"),
    ("inner", {"deph": 1}, "top.inner.deph: no such key. Did you mean top.inner.depth?"),
    ("cuont", 1, "top.cuont: no such key. Did you mean top.count?"),
])  # fmt: skip
def test_a_value_that_does_not_fit(key: str, given: Any, told: str) -> None:
    assert found(**{key: given}) == (None, [told])


def test_every_problem_is_reported() -> None:
    _, problems = found(count="x", rate=-1, inner={"depth": -1}, other=1)
    assert len(problems) == 4


def test_a_missing_value_is_named_with_its_meaning() -> None:
    problems: list[Problem] = []
    assert read(Outer, {}, "", problems) is None
    assert problems == [Problem("name", "is missing", "what it is called")]


def test_defaults_are_not_shared() -> None:
    one, _ = found()
    other, _ = found()
    assert one is not None
    assert other is not None
    one.open["a"] = 1
    one.words.append("one")
    one.inner.depth = 5
    assert (other.open, other.words, other.inner.depth) == ({}, [], 1)


def test_did_you_mean() -> None:
    assert did_you_mean("lorra", ["lora", "full"]) == "Did you mean lora?"
    assert did_you_mean("lorra", ["lora", "full"], "method") == "Did you mean method.lora?"
    assert did_you_mean("xyz", ["lora", "full"]) == "Choose from: full, lora"
    assert did_you_mean("xyz", []) == ""
