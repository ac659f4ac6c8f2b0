"""What the pages on recipes say can be typed works, and their facts about files are true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from recipes import compose
from recipes.book import main as book
from recipes.predict import main as predict
from recipes.run import one_run
from tunebook import folders
from tunebook.command.command import answer

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / name).read_text(encoding="utf-8")
         for name in ("a-recipe-line-by-line.md", "founding-example.md")}  # fmt: skip
COMMANDS = [line.strip() for page in PAGES.values() for line in page.splitlines()
            if line.startswith("    python -m ")]  # fmt: skip
RUNS = [line.removeprefix("python -m recipes.run ") for line in COMMANDS if "recipes.run" in line]
BOOK = [line.removeprefix("python -m recipes.book ") for line in COMMANDS if "recipes.book" in line]
NEEDS_A_RUN = "RUN_FOLDER"


def test_the_pages_hold_commands() -> None:
    assert len(RUNS) >= 4
    assert len(BOOK) >= 12


def test_each_command_on_recipes_works_in_this_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for typed in BOOK:
        if NEEDS_A_RUN in typed:
            continue
        words = shlex.split(typed, comments=True)
        assert book(words) == 0, typed


def test_each_run_composes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    book(["copy", "translate_lora", "mine"])
    for typed in RUNS:
        assert compose(*shlex.split(typed)).task.name == "translate"


def test_the_recipe_that_is_explained_is_the_one_that_ships() -> None:
    block = re.search(r"```yaml\n(.*?)```", PAGES["a-recipe-line-by-line.md"], re.DOTALL)
    assert block
    shipped = yaml.safe_load(folders.options("recipe")["translate_lora"].read_text("utf-8"))
    shown = yaml.safe_load(block[1])
    assert shown["defaults"] == shipped["defaults"]
    assert shown["training"] == shipped["training"]


def test_the_pairs_that_are_shown_are_those_that_ship() -> None:
    block = re.search(r"```yaml\n(.*?)```", PAGES["founding-example.md"], re.DOTALL)
    assert block
    shown = yaml.safe_load(block[1])["rows"]
    shipped = yaml.safe_load(folders.options("data")["hello"].read_text("utf-8"))["rows"]
    assert all(row in shipped[split] for split, rows in shown.items() for row in rows)


@pytest.mark.slow
def test_the_twin_says_hello(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert answer(["recipe=hello_tiny_t5"], one_run, "recipes.run") == 0
    (run,) = [file.parent for file in Path("outputs").rglob("metrics.json")]
    capsys.readouterr()
    for asked, wanted in (("Hello world!", "Bonjour le monde!"), ("Good night!", "Bonne nuit!")):
        assert predict([str(run), "--text", asked]) == 0
        assert capsys.readouterr().out == f"{wanted}\n"
    assert predict([str(run), "--text", "How are you?"]) == 0
    assert capsys.readouterr().out.strip()
