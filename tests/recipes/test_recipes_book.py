"""The book's commands: complete, quick, without heavy imports, and one clear word for mistakes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.book import COMMANDS, main
from recipes.run import one_run
from tunebook import folders
from tunebook.command.command import answer

Capture = pytest.CaptureFixture[str]
HEAVY = ("torch", "transformers", "peft", "datasets", "evaluate", "accelerate", "matplotlib")
PROBE = f"""
import sys
from recipes.book import main
code = main(sys.argv[1:])
print("LOADED", *[name for name in {HEAVY} if name in sys.modules])
"""
GENEROUS = 15.0  # seconds; on a quiet machine it is about one
RECIPES = list(folders.options("recipe"))
QUICK = [["list"], ["show", "summarize_prompt"], ["diff", "qa_lora", "translate_lora"],
         ["doctor", "qa_lora"], ["clean"], ["copy", "qa_lora", "mine"]]  # fmt: skip


@pytest.mark.parametrize("words", QUICK, ids=lambda words: words[0])
def test_is_quick_and_imports_nothing_heavy(words: list[str], tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run([sys.executable, "-c", PROBE, *words], cwd=tmp_path, check=True,
                          capture_output=True, text=True)  # fmt: skip
    assert time.monotonic() - began < GENEROUS
    assert done.stdout.splitlines()[-1] == "LOADED"
    assert done.stderr == ""


def said_by(words: list[str], capsys: Capture, code: int = 0) -> str:
    assert main(words) == code
    found = capsys.readouterr()
    return found.err if code == 2 and found.err else found.out


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_list_names_every_option_with_its_line(capsys: Capture) -> None:
    said = said_by(["list"], capsys)
    for group in [*folders.groups(), "sweep"]:
        for name, file in folders.options(group).items():
            starting = {one for one in said.splitlines() if one.startswith(f"{name} ")}
            (line,) = {one for one in starting if folders.first_line(file) in one}
            assert "\x1b" not in line


def test_list_marks_what_runs_offline(capsys: Capture) -> None:
    lines = {line.split()[0]: line for line in said_by(["list", "model"], capsys).splitlines()
             if line}  # fmt: skip
    assert " offline " in lines["tiny_t5"]
    assert " offline " not in lines["gpt2"]


def test_list_is_filtered(capsys: Capture) -> None:
    said = said_by(["list", "task=qa", "method=lora"], capsys)
    assert "qa_lora" in said
    assert "summarize_prompt" not in said
    assert "model, chosen with" not in said


def test_list_shows_own_and_broken_recipes(capsys: Capture) -> None:
    Path("conf/recipe").mkdir(parents=True)
    Path("conf/recipe/broken.yaml").write_text("# Broken\ndefaults: [\n")
    Path("conf/recipe/mine.yaml").write_text(
        "# Mine\nparent: qa_lora\ndefaults:\n  - qa_lora\n  - override /method: prompt\nseed: 2\n"
    )
    said = said_by(["list", "recipe"], capsys)
    assert "cannot be read" in next(one for one in said.splitlines() if one.startswith("broken"))
    (mine,) = [one.split() for one in said.splitlines() if one.startswith("mine")]
    assert mine[1:4] == ["qa", "prompt", "tiny_t5"]
    assert "Mine (copied from qa_lora)" in said


def test_show_tells_where_each_value_came_from(capsys: Capture) -> None:
    said = said_by(["show", "summarize_prompt", "seed=3", "training.max_steps=7"], capsys)
    rows = {line[3:].split("  ")[0].strip(): line for line in said.splitlines()}
    assert "command line" in rows["seed"]
    assert rows["seed"].startswith("*")
    assert "7  (by default 200)" in rows["training.max_steps"]
    assert "recipe summarize_prompt" in rows["decoding.max_new_tokens"]
    assert "model tiny_t5 for prompt" in rows["training.learning_rate"]
    assert "method prompt for encoder-decoder" in rows["training.optim"]
    assert "the model's config.json" in rows["model.family"]
    assert "method=prompt" in rows["method.num_virtual_tokens"]
    assert rows["training.batch_size"].startswith("   ")
    assert "default" in rows["debug"]


def test_show_of_the_defaults_changes_nothing(capsys: Capture) -> None:
    said = said_by(["show", "task=qa", "method=lora", "--changed"], capsys)
    assert "differs from what these options have by default: 0" in said


def test_show_of_a_hub_model_asks_no_network(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("asked the network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    said = said_by(["show", "task=summarize", "model=gpt2", "method=prompt"], capsys)
    assert "method prompt for decoder-only" in said
    assert "is not on this machine; taken to be decoder-only" in said


def test_diff_shows_what_differs_and_nothing_else(capsys: Capture) -> None:
    said = said_by(["diff", "translate_lora", "qa_lora"], capsys)
    keys = {line.split()[0] for line in said.splitlines() if line}
    assert {"task.name", "task.headline"} <= keys
    assert "method.r" not in keys
    assert "expect" not in keys
    assert "no setting differs" in said_by(["diff", "qa_lora", "qa_lora"], capsys)


def test_diff_with_the_parent(capsys: Capture) -> None:
    said_by(["copy", "qa_lora", "mine", "method.r=3"], capsys)
    said = said_by(["diff", "mine"], capsys)
    assert "mine was copied from qa_lora" in said
    (row,) = [line.split() for line in said.splitlines() if line.startswith("method")]
    assert row == ["method.r", "8", "3"]
    assert "has no parent" in said_by(["diff", "qa_lora"], capsys, code=2)


def test_a_run_is_copied_shown_compared_and_answers_for_its_copy(
    t5_folder: Path, task_files: Callable[[str], list[str]], capsys: Capture
) -> None:
    words = [*task_files("qa"), f"model.path={t5_folder}", "method=lora", "method.r=2",
             "method.peft.bias=all", "debug=true"]  # fmt: skip
    assert answer(words, one_run, "recipes.run") == 0
    (run,) = [path.parent for path in Path("outputs").rglob("metrics.json")]
    capsys.readouterr()
    copied = said_by(["copy", str(run), "mine"], capsys)
    assert "python -m recipes.run recipe=mine" in copied
    text = Path("conf/recipe/mine.yaml").read_text(encoding="utf-8")
    assert f"parent: {run}" in text
    assert "expect: f1 " in text
    assert answer(["recipe=mine"], one_run, "recipes.run") == 0
    assert "this run is finished" in capsys.readouterr().out
    assert len(list(Path("outputs").rglob("metrics.json"))) == 1
    assert "no setting differs" in said_by(["diff", str(run), "mine"], capsys)
    shown = said_by(["show", str(run)], capsys)
    (rank,) = [line for line in shown.splitlines() if line[3:].startswith("method.r ")]
    assert "(by default 8)" in rank
    assert f"run {run.name}" in rank


MISTAKES = [
    (["lst"], "Did you mean list?"),
    (["list", "receipe"], "Did you mean recipe?"),
    (["list", "task=qaa"], "Did you mean qa?"),
    (["list", "seed=1"], "recipes are filtered by task, method, model"),
    (["show", "qa_lara"], "Did you mean qa_lora?"),
    (["show", "qa_lora", "dialogue_prompt"], "takes one name"),
    (["show", "qa_lora", "--al"], "Did you mean --all?"),
    (["show", "no/such.yaml"], "there is no such file"),
    (["diff"], "wants two names"),
    (["copy", "qa_lora"], "wants a recipe and a new name"),
    (["copy", "qa_lora", "mine", "--to"], "expected one argument"),
    (["copy", "qa_lora", "mine", "method.rr=3"], "no such key"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=lambda one: str(one)[:40])
def test_a_mistake_is_told_in_one_line(words: list[str], said: str, capsys: Capture) -> None:
    assert said in said_by(words, capsys, code=2)
    assert not Path("conf").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"python -m recipes.book {command}" in capsys.readouterr().out
