"""docs/adding.md: what it shows, put into a clone, runs there and passes the clone's own tests."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/.]+)`\n\n```\w+\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
ADDED = "headline or headlines or ia3 or norms or initial_words or pythia_70m"
WHOLE = ("tests/test_plugins.py", "tests/test_imports.py", "tests/tasks", "tests/metrics",
         "tests/settings", "tests/recipes/test_options.py", "tests/recipes/test_help.py",
         "tests/recipes/test_recipes_book.py", "tests/search/test_ranges.py",
         "tests/methods/test_fitting.py", "tests/end_to_end/test_pages.py")  # fmt: skip
QUICK = "not slow and not fuzz"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tree as git has it, with the files of the page added and nothing else changed."""
    folder = tmp_path_factory.mktemp("clone")
    names = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(names, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for name, text in FILES.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def in_clone(clone: Path, words: Sequence[str], folder: Path | None = None) -> str:
    """What a command of the clone prints; it must end well."""
    own = {**os.environ, "PYTHONPATH": f"{clone / 'src'}{os.pathsep}{clone}"}
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder or clone, env=own,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_shows_two_files_for_a_task_and_a_class_and_one_for_all_else() -> None:
    assert sorted(Path(name).parent.as_posix() for name in FILES) == [
        "conf/data", "conf/method", "conf/method", "conf/model", "conf/task",
        "src/tunebook/methods", "src/tunebook/metrics", "src/tunebook/tasks",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("method", ["ia3", "norms"])
def test_what_the_page_shows_runs(clone: Path, method: str, tmp_path: Path) -> None:
    words = ["task=headline", "data=headlines", f"method={method}", "training.max_steps=2"]
    in_clone(clone, ["recipes.run", *words, "decoding.max_new_tokens=8"], tmp_path)
    metrics = json.loads(next(tmp_path.glob("outputs/**/metrics.json")).read_text())
    assert metrics["headline"]["name"] == "rougeL"
    assert "initial_word" in metrics["after"]
    assert metrics["method"] == method
    assert 0 < metrics["parameters"]["trainable"] < metrics["parameters"]["total"] / 100


@pytest.mark.slow
def test_the_tests_pass_without_another_edit(clone: Path) -> None:
    in_clone(clone, ["pytest", "-q", "-x", "-m", QUICK, *WHOLE])


@pytest.mark.slow
def test_what_holds_for_every_method_holds_for_those_added(clone: Path) -> None:
    held = [
        "tests/correctness/test_right_by_construction.py",
        "tests/correctness/test_same_bits.py",
    ]
    in_clone(clone, ["pytest", "-q", "-x", "-m", "not fuzz", "-k", ADDED, *held])
