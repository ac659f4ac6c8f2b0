"""What a search may try: for each key a range around its default, or a list of values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.schema import Settings
from tunebook.typed import fields_of, read_field, types_of

EVERY_METHOD: dict[str, dict[str, Any]] = {"training.learning_rate": {"factor": 10}}
"""Searched where a method names nothing: it matters most (Bengio 2012, arXiv 1206.5533, 3.1.1)."""
SHAPES = ({"among"}, {"factor"}, {"low", "high"}, {"low", "high", "log"})
WRITTEN = "Write {among: [A, B]}, {factor: 10} or {low: 0, high: 1, log: false}."
BUDGET = ("training.max_steps", "training.num_train_epochs")
DESCRIBES = ("method.name", "method.kind", "method.by_family", "method.search",
             "method.usual_learning_rate", "training.name")  # fmt: skip


@dataclass(frozen=True)
class Range:
    """The values that one key may take.

    rule: `among` a list of values; within a `factor` of the default, either way; from `low` to
    `high`, evenly or, with `log`, evenly on a logarithmic scale.
    """

    key: str
    rule: Mapping[str, Any]
    default: Any
    whole: bool

    def at(self, share: float) -> Any:
        """The value at `share` (from 0 up to 1) of the range; numbers have two digits that count.

        Rounded, a value can be read, typed and found again.
        """
        if "among" in self.rule:
            values = self.rule["among"]
            return values[min(int(share * len(values)), len(values) - 1)]
        low, high = self._ends()
        is_log = "factor" in self.rule or self.rule.get("log")
        value = low * (high / low) ** share if is_log else low + share * (high - low)
        return round(value) if self.whole else float(f"{value:.2g}")

    def _ends(self) -> tuple[float, float]:
        if "factor" in self.rule:
            return self.default / self.rule["factor"], self.default * self.rule["factor"]
        return self.rule["low"], self.rule["high"]


def ranges_of(settings: Settings) -> list[Range]:
    """The ranges of the method in `settings`, which have no gaps; fixed keys are left out.

    Raises RequestError with everything that is wrong with them.
    """
    problems: list[Problem] = []
    rules = settings.method.search or EVERY_METHOD
    found = [_range(key, rule, settings, problems) for key, rule in rules.items()]
    if problems:
        raise RequestError(problems)
    return [one for one in found if one and one.key not in settings.tune.fixed]


def _range(
    key: str, rule: Mapping[str, Any], settings: Settings, problems: list[Problem]
) -> Range | None:
    where = f"method.search.{key}"
    wrong = list(_wrong_key(key, where, settings)) or list(_wrong_rule(rule, where))
    problems += wrong
    if wrong:
        return None
    default = value_of(settings, key)
    if "factor" in rule and not _is_positive(default):
        what = f"its default is {default!r}, which has no factor"
        problems.append(Problem(where, what, WRITTEN))
        return None
    return Range(key, rule, default, _kind(settings, key) is int)


def _wrong_key(key: str, where: str, settings: Settings) -> Iterator[Problem]:
    group, _, name = key.partition(".")
    if group not in ("method", "training"):
        what = "is no key of method or training: the others say what is compared"
        yield Problem(where, what, "Search method.KEY or training.KEY.")
    elif key in BUDGET:
        yield Problem(where, "is the budget, the same for every trial", "Remove it.")
    elif name not in fields_of(type(getattr(settings, group))) or key in DESCRIBES:
        known = fields_of(type(getattr(settings, group)))
        yield Problem(where, "no such key to search", did_you_mean(name, known, group))


def _wrong_rule(rule: Mapping[str, Any], where: str) -> Iterator[Problem]:
    numbers = [rule[name] for name in ("factor", "low", "high") if name in rule]
    if set(rule) not in SHAPES:
        yield Problem(where, "is no range", WRITTEN)
    elif "among" in rule and not (isinstance(rule["among"], list) and rule["among"]):
        yield Problem(where, "among expects a list of values", WRITTEN)
    elif not all(_is_number(number) for number in numbers):
        yield Problem(where, "expects numbers", WRITTEN)
    elif "factor" in rule and rule["factor"] <= 1:
        yield Problem(where, f"factor must be above 1, got {rule['factor']}", WRITTEN)
    elif "low" in rule and not rule["low"] < rule["high"]:
        yield Problem(where, "low must be below high", WRITTEN)
    elif rule.get("log") and rule["low"] <= 0:
        yield Problem(where, "on a logarithmic scale low must be above 0", WRITTEN)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_positive(value: Any) -> bool:
    return _is_number(value) and value > 0


def value_of(settings: Settings, key: str) -> Any:
    """The value of `key`, which is GROUP.NAME."""
    group, name = key.split(".")
    return getattr(getattr(settings, group), name)


def _kind(settings: Settings, key: str) -> Any:
    group, name = key.split(".")
    return types_of(cast(type, type(getattr(settings, group))))[name]


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """A copy of `settings` with these values. Raises RequestError where one is not allowed."""
    problems: list[Problem] = []
    parts: dict[str, Any] = {}
    for key, value in values.items():
        group, name = key.split(".")
        part = parts.setdefault(group, dataclasses.replace(getattr(settings, group)))
        cls = cast(type, type(part))
        setattr(part, name, read_field(cls, name, value, group, problems))
    if problems:
        raise RequestError(problems)
    return dataclasses.replace(settings, **parts)
