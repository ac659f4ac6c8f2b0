"""The options of PEFT and transformers: each is checked against their own classes."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from peft import LoraConfig
from transformers import SchedulerType, TrainingArguments
from transformers.training_args import OptimizerNames

from recipes import compose
from tunebook import methods
from tunebook.methods.parts.wrapping import class_of
from tunebook.settings.libraries import (
    BUILT_IN,
    OPTIMIZER_PACKAGES,
    PLAIN_SCHEDULES,
    REFUSED,
    REFUSED_BY_PEFT,
    SET_HERE,
    Options,
    schedule,
)
from tunebook.settings.reading import every_key

BY_PEFT = [
    found for kind in methods.kinds() if (found := methods.options_of(kind)).peft_name
]  # fmt: skip
CLASSES = [TrainingArguments, *(class_of(one.peft_name) for one in BY_PEFT)]
KEYS = {where for where, _ in every_key()}
OPTIMIZERS = {str(one.value) for one in OptimizerNames}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_default_fits_its_type(cls: Any) -> None:
    known = Options(cls, {})
    instance = cls(**({"output_dir": "x"} if cls is TrainingArguments else {}))
    for field in dataclasses.fields(instance):
        if field.init and field.default not in (None, dataclasses.MISSING):
            assert list(known.problems({field.name: field.default}, "")) == [], field.name


@pytest.mark.parametrize("method", BY_PEFT, ids=lambda method: method.__name__)
def test_what_tunebook_sets_has_a_key(method: Any) -> None:
    known = set(Options(class_of(method.peft_name), {}).types)
    set_here = method(name="x", kind="x").set_here
    assert set(method.renamed) <= known
    assert set(set_here.values()) <= KEYS
    assert {name for name in set_here if name in known} > set()


def test_what_tunebook_sets_of_training_arguments_is_an_option_and_has_a_key() -> None:
    assert set(SET_HERE) <= set(Options(TrainingArguments, {}).types)
    assert {key for key in SET_HERE.values() if " " not in key} <= KEYS | {"method"}


def test_what_is_refused_is_an_option() -> None:
    arguments = Options(TrainingArguments, {})
    assert set(REFUSED) <= set(arguments.types)
    assert set(REFUSED_BY_PEFT) <= set(Options(LoraConfig, {}).types)
    assert set(arguments.words("logging_strategy")) == {"no", "steps", "epoch"}


def test_every_optimizer_is_built_in_or_has_a_package() -> None:
    assert set(BUILT_IN) <= OPTIMIZERS
    for start in OPTIMIZER_PACKAGES:
        assert any(name.startswith(start) for name in OPTIMIZERS), start


@pytest.mark.parametrize("name", PLAIN_SCHEDULES)
def test_a_plain_schedule_needs_no_options(name: str) -> None:
    assert name in {one.value for one in SchedulerType}
    word = "training.arguments.lr_scheduler_kwargs={last_epoch: -1}"
    (problem,) = schedule(compose(f"training.lr_scheduler_type={name}", word))
    assert problem.what.endswith("takes no such option")


@pytest.mark.parametrize(("given", "told"), [
    ({"bias": "all"}, None),
    ({"layers_to_transform": [0, 1]}, None),
    ({"layers_to_transform": 1}, None),
    ({"init_lora_weights": "pissa_niter_4"}, None),
    ({"init_lora_weights": False}, None),
    ({"rank_pattern": {"q": 4}}, None),
    ({"modules_to_save": None}, None),
    ({"eva_config": {"rho": 2.0}}, None),
    ({"bias": True}, "here.bias: LoraConfig takes str, got True"),
    ({"fan_in_fan_out": 1}, "here.fan_in_fan_out: LoraConfig takes bool, got 1"),
    ({"rank_pattern": [4]}, "here.rank_pattern: LoraConfig takes dict, got [4]"),
    ({"rank_patern": {}}, "here.rank_patern: LoraConfig of the installed peft has no such option. "
                          "Did you mean rank_pattern?"),
    ({"r": 4}, "here.r: is set by Tunebook. Use method.r instead."),
])  # fmt: skip
def test_an_option_is_checked(given: dict, told: str | None) -> None:
    problems = Options(LoraConfig, {"r": "method.r"}).problems(given, "here")
    assert [str(problem) for problem in problems] == ([told] if told else [])
