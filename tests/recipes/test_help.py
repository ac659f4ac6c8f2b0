"""--help and --cfg job: complete, quick, and without heavy imports."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from recipes import compose
from tunebook import folders
from tunebook.command.help import help_text
from tunebook.runs import settings_text
from tunebook.settings.reading import every_key

HEAVY = ("torch", "transformers", "peft", "datasets", "evaluate", "accelerate", "numpy")
PROBE = f"""
import sys
from tunebook.command.command import answer
code = answer(sys.argv[1:], None, "recipes.run")
print("LOADED", *[name for name in {HEAVY} if name in sys.modules])
sys.exit(code)
"""
GENEROUS = 15.0  # seconds; on a quiet machine it is less than one


def shown_by(*words: str, folder: Path) -> tuple[str, list[str]]:
    """What a fresh process prints for `words`, and which heavy packages it has loaded."""
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert time.monotonic() - started < GENEROUS
    text, _, loaded = done.stdout.rpartition("LOADED")
    return text, loaded.split()


@pytest.mark.parametrize("words", [["--help"], ["--cfg", "job"], ["--cfg", "job", "method=lora"]])
def test_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    text, loaded = shown_by(*words, folder=tmp_path)
    assert text
    assert loaded == []


def test_filling_the_gaps_imports_no_model_library(tmp_path: Path, t5_folder: Path) -> None:
    words = ["--cfg", "job", "--resolve", f"model.path={t5_folder}"]
    text, loaded = shown_by(*words, folder=tmp_path)
    assert yaml.safe_load(text)["training"]["optim"] == "adafactor"
    assert not {"torch", "transformers", "peft"} & set(loaded)


@pytest.mark.parametrize("group", [name for name in folders.groups() if folders.options(name)])
def test_help_names_every_option_and_says_what_it_is(group: str) -> None:
    block = help_text("recipes.run").split(f"\n  {group}\n")[1].split("\n\n")[0]
    shown = dict(line.split(maxsplit=1) for line in block.splitlines())
    assert list(shown) == list(folders.options(group))
    for name, file in folders.options(group).items():
        assert shown[name] == folders.first_line(file)
        assert len(folders.first_line(file)) > 10


def test_help_names_every_key_and_says_what_it_does() -> None:
    lines = help_text("recipes.run").splitlines()
    for where, field in every_key():
        (number,) = [i for i, line in enumerate(lines) if line.startswith(f"  {where} (")]
        assert field.metadata["description"] in lines[number + 1]


def test_every_key_has_one_line_that_says_what_it_does() -> None:
    for where, field in every_key():
        description = field.metadata["description"]
        assert 10 < len(description) <= 90, where
        assert "\n" not in description, where


def test_help_shows_what_a_key_allows() -> None:
    text = help_text("recipes.run")
    assert "[none, 8bit, 4bit]" in text
    assert "[>= 0, <= 1]" in text


def test_cfg_job_shows_the_settings_that_a_run_would_have(tmp_path: Path) -> None:
    words = ["task=qa", "method=lora", "method.peft.bias=all", "data.limit.train=7"]
    text, _ = shown_by("--cfg", "job", *words, folder=tmp_path)
    assert text == settings_text(compose(*words))
