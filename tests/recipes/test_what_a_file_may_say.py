"""A file of options sets the keys of a run; whatever else Hydra would obey is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from recipes import compose
from tunebook import folders
from tunebook.errors import RequestError
from tunebook.request.launcher import LAUNCHERS, OPTIONS
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import read_request
from tunebook.runs import settings_text

CALL = "sympy.sympify"
CALLS = f"  callbacks:\n    hello:\n      _target_: {CALL}\n      _args_: ['touch']\n"
HEAD = "defaults:\n  - override /task: qa\n  - _self_\n"

REFUSED_RECIPES = {
    f"{HEAD}hydra:\n{CALLS}": "4: hydra: a recipe sets the keys of a run; this one is not among",
    f"{HEAD}hydra:\n  run:\n    dir: /tmp/x\n": "4: hydra: a recipe sets the keys of a run",
    f"{HEAD}hydra:\n  job:\n    env_set: {{A: B}}\n": "4: hydra: a recipe sets the keys",
    f"{HEAD}_target_: {CALL}\n": "4: _target_: a recipe sets the keys of a run",
    f"{HEAD}sed: 3\n": "4: sed: no such key. Did you mean seed?",
    f"# @package hydra\n{HEAD}callbacks: {{}}\n": "the header '# @package hydra' puts keys",
    "defaults:\n  - override hydra/launcher: joblib\n": "2: override hydra/launcher: there is no",
    "defaults:\n  - override /hydra/launcher: joblib\n": "2: override /hydra/launcher: there is",
    "defaults:\n  - override /hydra/callbacks: x\n": "2: override /hydra/callbacks: there is no",
    "defaults:\n  - /foreign: x\n": "2: /foreign: there is no group foreign",
    "defaults:\n  - override /task@hydra.job: qa\n": "cannot be read. Write override /task",
    "defaults:\n  - optional /data: village\n": "there is no group optional /data",
    "defaults:\n  - override /task: ${oc.env:HOME}\n": "there is no task named ${oc.env:HOME}",
    "defaults:\n  - ../method/lora\n": "there is no recipe named ../method/lora",
    "defaults: {task: qa}\n": "1: defaults is no list",
    "defaults:\n  - [qa]\n": "['qa'] chooses nothing",
    f"{HEAD}expect: ${{oc.env:HOME}}\n": "4: expect: a file holds values, and asks for none",
    f"{HEAD}expect: ${{hydra:runtime.cwd}}\n": "4: expect: a file holds values",
    f"{HEAD}expect: ${{oc.decode:${{oc.env:X}}}}\n": "4: expect: a file holds values",
    f"{HEAD}data:\n  rows:\n    train:\n      - {{a: '${{oc.env:X}}'}}\n": "asks for none",
    f"{HEAD}seed: ???\n": "4: seed: ??? is no value",
    f"{HEAD}1: x\n": "4: 1: is no name of a key",
    f"{HEAD}a: &a [*a]\n": "4: refers to itself",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def told(*words: str) -> str:
    with pytest.raises(RequestError) as error:
        compose(*words)
    return str(error.value)


@pytest.mark.parametrize("text", REFUSED_RECIPES)
def test_a_recipe_with_powers(text: str) -> None:
    put("mine.yaml", text)
    put("conf/recipe/own.yaml", text)
    for word, place in (("mine.yaml", "mine.yaml"), ("own", "conf/recipe/own.yaml")):
        message = told(f"recipe={word}")
        assert REFUSED_RECIPES[text] in message
        assert place in message
        assert "tunebook-recipes-" not in message


@pytest.mark.parametrize(("group", "text", "what"), [
    ("data", "# @package hydra\nname: mine\nsource: files\n", "the header"),
    ("data", f"# @package _global_\nhydra:\n{CALLS}", "the header"),
    ("model", "defaults:\n  - override /hydra/launcher: joblib\nname: x\n", "there is no group"),
    ("method", "defaults: [lora, _self_]\nname: ${oc.env:HOME}\n", "asks for none"),
    ("task", "- 1\n", "holds no task"),
    ("template", "defaults: [mine]\n", "builds on itself"),
    ("training", "learning_rate: 010\n", "010 is another number in YAML"),
    ("decoding", "name: x\nname: y\n", "gives the key name twice"),
])  # fmt: skip
def test_an_option_with_powers(group: str, text: str, what: str) -> None:
    put(f"conf/{group}/mine.yaml", text)
    assert what in told(f"{group}=mine")
    if group in ("data", "model", "training"):
        put("conf/recipe/through.yaml", f"defaults:\n  - override /{group}: mine\n  - _self_\n")
        assert what in told("recipe=through")


def test_options_that_build_on_one_another_in_a_circle() -> None:
    put("conf/recipe/one.yaml", "defaults: [other, _self_]\n")
    put("conf/recipe/other.yaml", "defaults: [one, _self_]\n")
    assert "conf/recipe/one.yaml: builds on itself" in told("recipe=one")


def test_nothing_of_hydra_is_found_in_a_folder_of_options() -> None:
    put("conf/tunebook.yaml", f"hydra:\n{CALLS}")
    put("conf/hydra/callbacks/evil.yaml", f"hello:\n  _target_: {CALL}\n")
    put("conf/hydra/launcher/basic.yaml", f"_target_: {CALL}\n")
    put("conf/hydra/sweeper/tunebook.yaml", f"_target_: {CALL}\n")
    put("conf/hydra/job_logging/disabled.yaml", f"root: {{_target_: {CALL}}}\n")
    assert compose("task=qa").task.name == "qa"
    from hydra import compose as by_hydra
    from hydra import initialize_config_dir

    with initialize_config_dir(str(folders.shipped_conf()), version_base="1.3"):
        whole = by_hydra("tunebook", overrides=["hydra/launcher=basic"], return_hydra_config=True)
    assert CALL not in str(whole)


def test_a_run_folder_with_powers() -> None:
    settings = yaml.safe_load(settings_text(compose("method=lora")))
    put("run/settings.yaml", yaml.safe_dump({**settings, "hydra": {"job": {"chdir": True}}}))
    message = told("recipe=./run")
    assert "run/settings.yaml: hydra: a run's settings hold the keys of a run" in message


def test_a_run_folder_is_read_as_it_was_written() -> None:
    text = "Say ${oc.env:HOME} or \\${x}"
    settings = yaml.safe_load(settings_text(compose("method=lora")))
    settings["task"]["instruction"] = text
    put("run/settings.yaml", yaml.safe_dump(settings))
    assert compose("recipe=./run").task.instruction == text


@pytest.mark.parametrize("word", [
    "hydra.run.dir=/tmp/x", "hydra.searchpath=[file:///tmp]", "hydra.job.chdir=true",
    "hydra.job.env_set.A=b", "hydra.output_subdir=x", "hydra/callbacks=x", "foreign/group=x",
    "+hydra.callbacks.x._target_=sympy.sympify", "hydra.launcher._target_=sympy.sympify",
    "hydra.sweeper._target_=sympy.sympify", "~hydra.launcher", "hydra={}", "hydra/sweeper=basic",
    "hydra.launcher={_target_: x}",
])  # fmt: skip
def test_a_word_that_is_none_of_a_launcher(word: str) -> None:
    assert "is no word for a launcher" in told(word)


@pytest.mark.parametrize(("text", "what"), [
    ("hydra.launcher.setup: \"['touch x']\"", "hydra.launcher.setup runs lines of a shell"),
    ("\" hydra.launcher.setup\": x", "' hydra.launcher.setup' is no key"),
    ("++hydra.launcher.setup: x", "runs lines of a shell"),
    ("+hydra.launcher.additional_parameters.x: y", "runs lines of a shell"),
    ("hydra/launcher: submitit_slurm\nhydra.launcher.partition: \"a\\nrm x\"", "cannot be 'a"),
    ("task.instruction: ${oc.env:HOME}", "asks for none with ${…}"),
    ("hydra.job.chdir: true", "is no word for a launcher"),
    ("hydra/launcher: evil", "there is no such launcher"),
])  # fmt: skip
def test_a_named_sweep_with_powers(text: str, what: str) -> None:
    put("conf/sweep/mine.yaml", f"method: prompt,lora\n{text}\n")
    with pytest.raises(RequestError) as error:
        read_request(with_sweep(["sweep=mine"])[0], sweep=True)
    assert what in str(error.value)


def test_every_option_of_a_launcher_is_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "launchers.md").read_text()
    assert not [name for name in (*OPTIONS, *(set(LAUNCHERS) - {"basic"})) if name not in page]


def test_a_wrong_value_is_told_with_its_line() -> None:
    file = put("mine.yaml", f"{HEAD}training:\n  max_steps: few\n  learning_rat: 1\nseed: 0\n")
    message = told(f"recipe={file}")
    assert "mine.yaml:5: training.max_steps: expects a whole number, got 'few'" in message
    assert "mine.yaml:6: training.learning_rat: no such key" in message
    assert "mine.yaml" not in told(f"recipe={file}", "seed=x").partition("seed:")[0][-3:]
    put("conf/data/mine.yaml", "name: mine\nsource: flies\n")
    assert "conf/data/mine.yaml:2: data.source: 'flies' is not allowed" in told("data=mine")
