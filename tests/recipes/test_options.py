"""Every file in conf/ composes, alone, into settings that validate."""

from __future__ import annotations

import copy
import functools
import re
from pathlib import Path

import pytest
import yaml

from recipes import compose as compose_anew
from tunebook import folders
from tunebook.schema import Settings
from tunebook.settings import resolve
from tunebook.typed import fields_of, types_of

OPTIONS = [(group, name) for group in folders.groups() for name in folders.options(group)]
RECIPES = list(folders.options("recipe"))


@functools.cache
def _composed(*words: str) -> Settings:
    return compose_anew(*words)


def compose(*words: str) -> Settings:
    """Settings of one's own; several tests look at the same option."""
    return copy.deepcopy(_composed(*words))


def serving(group: str, name: str) -> list[str]:
    """The words that choose an option, with a task or data that go with it."""
    words = [f"{group}={name}"]
    if group == "task" and name not in compose().data.tasks:
        served = ((data, compose(f"data={data}").data.tasks) for data in folders.options("data"))
        words += [f"data={data}" for data, tasks in served if name in tasks][:1]
    if group == "data":
        tasks = compose(*words).data.tasks
        words += [f"task={tasks[0]}"] if tasks else []
    return words


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_composes(group: str, name: str) -> None:
    settings = compose(*serving(group, name))
    if group != "recipe":
        assert getattr(settings, group).name == name
    else:
        assert settings.recipe == name


@pytest.mark.parametrize(("group", "name"), OPTIONS)
def test_is_named_as_its_file(group: str, name: str) -> None:
    content = yaml.safe_load(folders.options(group)[name].read_text(encoding="utf-8"))
    assert content.get("name", name) == name
    assert group == "recipe" or "name" in content


@pytest.mark.parametrize(("group", "name"), [one for one in OPTIONS if one[0] != "recipe"])
def test_holds_keys_of_its_group_alone(group: str, name: str) -> None:
    content = yaml.safe_load(folders.options(group)[name].read_text(encoding="utf-8"))
    settings = compose(*serving(group, name))
    assert set(content) - {"defaults"} <= set(fields_of(type(getattr(settings, group))))


@pytest.mark.parametrize(
    ("group", "name"), [one for one in OPTIONS if one[0] not in ("model", "recipe", "data")]
)
@pytest.mark.parametrize("family", ["t5", "llama"])
def test_validates_with_a_model_of_each_family(
    group: str, name: str, family: str, tiny_models: dict[str, Path]
) -> None:
    words = [f"model.path={tiny_models[family]}", *serving(group, name)]
    settings = resolve(compose(*words)).settings
    training = settings.training
    assert None not in (training.optim, training.batch_size, training.lr_scheduler_type)
    trains = settings.method.trains
    assert (training.learning_rate is not None) == trains


@pytest.mark.parametrize("name", folders.options("data"))
def test_data_validates(name: str, t5_folder: Path) -> None:
    words = [*serving("data", name), f"model.path={t5_folder}"]
    if name == "files":
        words.append("data.train=rows.jsonl")
    resolve(compose(*words))


@pytest.mark.parametrize("name", folders.options("model"))
def test_a_model_says_its_licence_and_where_it_is(name: str) -> None:
    model = compose(f"model={name}").model
    assert name == "custom" or (model.path and model.license)


@pytest.mark.parametrize("name", folders.options("method"))
def test_a_method_keeps_its_defaults_inside_its_usual_learning_rates(name: str) -> None:
    method = compose(f"method={name}").method
    if not method.trains:
        assert method.by_family == {}
        return
    low, high = method.usual_learning_rate
    for family in ("encoder-decoder", "decoder-only"):
        assert low <= method.by_family[family]["training.learning_rate"] <= high


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_starts_with_its_command_and_says_what_to_expect(name: str) -> None:
    text = folders.options("recipe")[name].read_text(encoding="utf-8")
    assert text.splitlines()[0] == f"# python -m recipes.run recipe={name}"
    expect = compose(f"recipe={name}").expect
    assert not expect or re.fullmatch(EXPECTATION, expect)


EXPECTATION = r"\w+ [\d.]+ -> [\d.]+( \[[\d.]+, [\d.]+\]| ± [\d.]+)"


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_validates(name: str, t5_folder: Path, llama_folder: Path) -> None:
    settings = compose(f"recipe={name}")
    path = settings.model.path or ""
    if not path.startswith("tunebook:"):
        like = t5_folder if "t5" in path or "bart" in path else llama_folder
        settings = compose(f"recipe={name}", f"model.path={like}")
    resolve(settings)


def test_every_part_of_the_settings_that_has_a_name_is_a_group() -> None:
    named = [name for name, kind in types_of(Settings).items()
             if "name" in getattr(kind, "__dataclass_fields__", {})]  # fmt: skip
    assert {*named, "recipe"} <= set(folders.groups())


@pytest.mark.parametrize(("method", "template"), [
    ("zero_shot", "bare"), ("instruction", "instruction"), ("prompt", "bare")])  # fmt: skip
def test_a_baseline_brings_its_template(method: str, template: str) -> None:
    assert compose(f"method={method}").template.name == template
    assert compose(f"method={method}", "template=instruction").template.name == "instruction"
