"""Configuration of the user's own: ./conf, a recipe file anywhere, a finished run's folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes import compose
from tunebook.runs import settings_text
from tunebook.runs.fingerprint import fingerprint
from tunebook.settings import Settings, resolve

RECIPE = """\
# python -m recipes.run recipe=mine
defaults:
  - override /task: qa
  - override /method: lora
  - _self_
expect: better than before
method:
  r: 3
seed: 5
"""
METHOD = """\
# LoRA of rank 2
defaults:
  - lora
  - _self_
name: thin
r: 2
"""
DATA = "# My rows\nname: mine\nsource: files\ntrain: rows.jsonl\nlicense: mine\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(path: str, text: str) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_own_options_beside_the_shipped_ones() -> None:
    put("conf/recipe/mine.yaml", RECIPE)
    put("conf/method/thin.yaml", METHOD)
    put("conf/data/mine.yaml", DATA)
    settings = compose("recipe=mine", "data=mine")
    assert (settings.task.name, settings.method.name, settings.seed) == ("qa", "lora", 5)
    assert settings.method.r == 3  # type: ignore[attr-defined]
    assert settings.recipe == "mine"
    assert settings.data.train == "rows.jsonl"
    thin = compose("method=thin").method
    assert (thin.name, thin.kind, thin.r) == ("thin", "lora", 2)  # type: ignore[attr-defined]
    assert thin.lora_alpha == 16  # type: ignore[attr-defined]


def test_own_option_wins_over_the_shipped_one_of_that_name() -> None:
    assert compose("method=lora").method.r == 8  # type: ignore[attr-defined]
    put("conf/method/lora.yaml", "# Mine\nname: lora\nkind: lora\nr: 1\n")
    assert compose("method=lora").method.r == 1  # type: ignore[attr-defined]


def test_a_changed_file_counts_at_once() -> None:
    put("conf/recipe/mine.yaml", RECIPE)
    assert compose("recipe=mine").seed == 5
    put("conf/recipe/mine.yaml", RECIPE.replace("seed: 5", "seed: 6"))
    assert compose("recipe=mine").seed == 6


def test_a_recipe_file_anywhere() -> None:
    file = put("somewhere/else.yaml", RECIPE)
    for path in (file, file.resolve()):
        settings = compose(f"recipe={path}", "training.max_steps=7")
        assert (settings.recipe, settings.task.name, settings.seed) == ("else", "qa", 5)
        assert settings.training.max_steps == 7


def test_two_recipe_files_of_one_name() -> None:
    one = put("one/same.yaml", RECIPE)
    other = put("other/same.yaml", RECIPE.replace("seed: 5", "seed: 6"))
    assert compose(f"recipe={one}").seed == 5
    assert compose(f"recipe={other}").seed == 6
    assert compose(f"recipe={one}").seed == 5


def test_a_run_folder_gives_the_same_run(
    t5_folder: Path, task_files: Callable[[str], list[str]]
) -> None:
    words = [
        *task_files("qa"),
        f"model.path={t5_folder}",
        "method=lora",
        "method.r=2",
        "debug=true",
    ]
    first = resolve(compose(*words, "method.peft.bias=all")).settings
    put("outputs/qa/t5/lora/r_2-0123456789/settings.yaml", settings_text(first))
    again = resolve(compose("recipe=outputs/qa/t5/lora/r_2-0123456789")).settings
    assert identity(again) == identity(first)
    assert again.recipe == "r_2-0123456789"
    changed = resolve(compose("recipe=outputs/qa/t5/lora/r_2-0123456789", "seed=1")).settings
    assert identity(changed) != identity(first)


def identity(settings: Settings) -> str:
    return fingerprint(settings, "data", "model")
