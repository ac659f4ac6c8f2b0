"""Copying recipes and runs: the same settings, commented, and nothing overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from recipes import compose
from recipes.book import main
from tunebook import folders
from tunebook.book.copying import remarks_of
from tunebook.runs.fingerprint import fingerprint
from tunebook.settings import Settings
from tunebook.settings.resolve import filled

RECIPES = list(folders.options("recipe"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def identity(settings: Settings) -> str:
    """What a run of these settings is, whatever its data and model hold."""
    family = settings.model.family or settings.model.usual_family or "encoder-decoder"
    return fingerprint(filled(settings, family)[0], "data", "model")


def refusal(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    return capsys.readouterr().err


@pytest.mark.sample(
    "qa_lora",
    "e2e_gpt2_prefix",
    "hello_tiny_t5",
    "summarize_prompt",
    "squad_t5_prompt",
    "wmt19_en_zh_qwen3_lora",
)
@pytest.mark.parametrize("name", RECIPES)
def test_a_copy_is_the_same_run_and_knows_its_parent(name: str) -> None:
    assert main(["copy", name, "mine"]) == 0
    copied = compose("recipe=mine")
    assert identity(copied) == identity(compose(f"recipe={name}"))
    assert copied.parent == name
    first, second = Path("conf/recipe/mine.yaml").read_text(encoding="utf-8").splitlines()[:2]
    assert first == "# python -m recipes.run recipe=mine"
    assert second == f"# {folders.first_line(folders.options('recipe')[name])}"


def test_a_key_taken_up_without_its_section_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """YAML would give it to the section before, which may have a key of that name."""
    main(["copy", "summarize_prompt", "mine"])
    file = Path("conf/recipe/mine.yaml")
    text = file.read_text(encoding="utf-8")
    assert "\n#template:\n" in text
    taken_up = text.replace("  #max_source_tokens:", "  max_source_tokens:")
    file.write_text(taken_up, encoding="utf-8")
    line = taken_up.splitlines().index("#template:") + 1
    capsys.readouterr()
    for words in (["show", "mine"], ["doctor", "mine"], ["diff", "mine"]):
        assert main(words) == 2
        told = " ".join("".join(capsys.readouterr()).split())
        assert f"in template, which line {line} comments out" in told
        assert "Take the # away from #template: too." in told
    file.write_text(taken_up.replace("\n#template:", "\ntemplate:"), encoding="utf-8")
    assert compose("recipe=mine").template.max_source_tokens == 512


def test_every_key_of_a_copy_can_be_taken_up() -> None:
    """With every # before a key taken away the file is still the same run."""
    main(["copy", "translate_lora", "mine"])
    file = Path("conf/recipe/mine.yaml")
    lines = file.read_text(encoding="utf-8").splitlines()
    bare = [line.replace("#", "", 1) if line.lstrip()[:1] == "#" and line.lstrip()[1:2].strip()
            else line for line in lines]  # fmt: skip
    body = yaml.safe_load("\n".join(bare))
    assert body["method"]["r"] == 8
    assert body["template"]["separator"] == "\n"
    file.write_text("\n".join(bare), encoding="utf-8")
    assert identity(compose("recipe=mine")) == identity(compose("recipe=translate_lora"))


def test_comments_of_the_parent_come_along() -> None:
    main(["copy", "summarize_prompt", "mine"])
    parent = folders.options("recipe")["summarize_prompt"].read_text(encoding="utf-8")
    remarks = remarks_of(parent, "parent.yaml")
    assert remarks["training.max_steps"]
    copied = Path("conf/recipe/mine.yaml").read_text(encoding="utf-8")
    for line in remarks["training.max_steps"]:
        assert f"  # {line}\n" in copied


def test_changed_words_are_set_in_the_copy() -> None:
    words = ["seed=4", "training.learning_rate=0.01", "method.peft.bias=all",
             'template.text="{{ source }}, [a]: $"']  # fmt: skip
    assert main(["copy", "translate_lora", "mine", *words]) == 0
    copied = compose("recipe=mine")
    assert (copied.seed, copied.training.learning_rate) == (4, 0.01)
    assert copied.method.peft == {"bias": "all"}  # type: ignore[attr-defined]
    assert copied.template.text == "{{ source }}, [a]: $"


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    main(["copy", "qa_lora", "mine"])
    before = Path("conf/recipe/mine.yaml").read_bytes()
    said = refusal(["copy", "summarize_prompt", "mine"], capsys)
    assert "is there already, and nothing is overwritten" in said
    assert Path("conf/recipe/mine.yaml").read_bytes() == before
    assert "is there already" in refusal(["copy", "qa_lora", "summarize_prompt"], capsys)


@pytest.mark.parametrize("words", [
    ["qa_lora", "qa_lora"], ["mine", "mine"], ["conf/recipe/mine.yaml", "mine"],
    ["conf/recipe/mine.yaml", "--to", "conf/recipe/mine.yaml"]])  # fmt: skip
def test_a_recipe_is_not_copied_onto_itself(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["copy", "qa_lora", "mine"])
    before = Path("conf/recipe/mine.yaml").read_bytes()
    assert "is the recipe itself" in refusal(["copy", *words], capsys)
    assert Path("conf/recipe/mine.yaml").read_bytes() == before


@pytest.mark.parametrize("name", ["a/b", "1", "null", "two words", "../x", "a.b", ""])
def test_a_name_that_is_none(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "is no name for a recipe" in refusal(["copy", "qa_lora", name], capsys)
    assert not Path("conf").exists()


def test_a_copy_anywhere_is_run_by_its_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["copy", "qa_lora", "--to", "own/deep/mine.yaml"]) == 0
    assert "python -m recipes.run recipe=own/deep/mine.yaml" in capsys.readouterr().out
    assert main(["copy", "own/deep/mine.yaml", "other", "--to", "own"]) == 0
    assert compose("recipe=own/other.yaml").parent == "own/deep/mine.yaml"
    assert identity(compose("recipe=own/other.yaml")) == identity(compose("recipe=qa_lora"))


def test_a_place_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_text("")
    assert "cannot be written" in refusal(["copy", "qa_lora", "--to", "file/x/m.yaml"], capsys)


def test_an_unknown_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(["copy", "qa_lara", "mine"], capsys)
    assert "Did you mean qa_lora?" in said
    assert not Path("conf").exists()
