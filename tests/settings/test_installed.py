"""Options read from the source of PEFT and transformers are those of the imported classes."""

from __future__ import annotations

import dataclasses
import importlib
from typing import Any

import pytest

from tunebook import methods
from tunebook.settings.checks import OURS
from tunebook.settings.installed import (
    OPTIMIZERS,
    SCHEDULES,
    TRAINING_ARGUMENTS,
    options_of,
    unknown_options,
    values_of,
)
from tunebook.settings.reading import every_key

PEFT = [methods.module_of(kind) for kind in methods.kinds() if methods.module_of(kind).PEFT_CONFIG]
SOURCES = [TRAINING_ARGUMENTS, *(("peft", *module.PEFT_CONFIG) for module in PEFT)]
KEYS = {where for where, _ in every_key()}
LORA = ("peft", "tuners/lora/config.py", "LoraConfig")


def imported(source: tuple[str, str, str]) -> Any:
    package, file, name = source
    module = f"{package}.{file.removesuffix('.py').replace('/', '.')}"
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source[2])
def test_the_options_are_those_of_the_class(source: tuple[str, str, str]) -> None:
    fields = {field.name for field in dataclasses.fields(imported(source)) if field.init}
    assert fields <= set(options_of(*source))
    assert set(options_of(*source)) - fields <= {"auto_mapping", "peft_version"}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source[2])
def test_every_default_fits_the_types_that_were_read(source: tuple[str, str, str]) -> None:
    instance = imported(source)(**({"output_dir": "x"} if source == TRAINING_ARGUMENTS else {}))
    for field in dataclasses.fields(instance):
        if field.init and field.default not in (None, dataclasses.MISSING):
            assert unknown_options({field.name: field.default}, "", source, {}) == [], field.name


@pytest.mark.parametrize("source", [OPTIMIZERS, SCHEDULES], ids=lambda source: source[2])
def test_the_names_are_those_of_the_enumeration(source: tuple[str, str, str]) -> None:
    assert values_of(*source) == {member.value for member in imported(source)}


@pytest.mark.parametrize("module", PEFT, ids=lambda module: module.__name__.rsplit(".", 1)[-1])
def test_what_tunebook_sets_is_an_option_and_has_a_key(module: Any) -> None:
    known = options_of("peft", *module.PEFT_CONFIG)
    assert set(module.SET_HERE) <= set(known)
    assert set(module.SET_HERE.values()) <= KEYS | {"model.family", "method"}


def test_what_tunebook_sets_of_training_arguments_is_an_option_and_has_a_key() -> None:
    assert set(OURS) <= set(options_of(*TRAINING_ARGUMENTS))
    assert {key for key in OURS.values() if " " not in key} <= KEYS | {"method"}


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
    problems = unknown_options(given, "here", LORA, {"r": "method.r"})
    assert [str(problem) for problem in problems] == ([told] if told else [])
