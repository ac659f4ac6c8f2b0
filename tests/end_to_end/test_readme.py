"""What README.md says can be typed: every command composes, every option that it names is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from recipes import compose
from tunebook import folders
from tunebook.command.command import refusal_text
from tunebook.errors import RequestError
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import read_request

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
COMMANDS = [line.strip() for line in README.splitlines() if line.startswith("    python -m ")]
RUNS = [line.removeprefix("python -m recipes.run ") for line in COMMANDS if "recipes.run" in line]
OWN = {"recipe=mine"}


@pytest.mark.parametrize("typed", RUNS)
def test_each_run_composes(typed: str) -> None:
    words, named = with_sweep(shlex.split(typed, comments=True))
    if named or words[0] == "-m":
        assert read_request([word for word in words if word != "-m"], sweep=True).sweep
    elif words != ["--help"] and not OWN & set(words):
        assert compose(*words).task.name


def test_the_refusal_that_is_shown_is_the_real_one() -> None:
    typed = r"^    \$ python -m recipes.run (.*)\n((?:    .*\n)+)"
    shown = re.search(typed, README, re.MULTILINE)
    assert shown
    with pytest.raises(RequestError) as refused:
        read_request(shlex.split(shown[1]))
    assert refusal_text(refused.value).split() == shown[2].split()


def test_each_command_has_a_module() -> None:
    assert len(COMMANDS) >= 8
    for line in COMMANDS:
        module = line.split()[2]
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module


def test_the_table_of_options_is_complete() -> None:
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| (.*) \|$", README, re.MULTILINE)
    shown = {tuple(re.findall(r"`(\w+)`", groups)): text for groups, text in rows}
    for groups, text in shown.items():
        if set(groups) <= set(folders.groups()):
            named = set(re.findall(r"`(\w+)`", text))
            there = {option for group in groups for option in folders.options(group)}
            assert named == there - {"custom"}, groups


def test_the_chinese_readme_has_the_same_commands_and_figures() -> None:
    chinese = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")
    english = (ROOT / "README.md").read_text(encoding="utf-8")
    typed = [
        [re.sub(r" +#.*", "", line) for line in text.splitlines() if line.startswith("    ")]
        for text in (english, chinese)
    ]
    assert typed[0] == typed[1]
    for pattern in (r"\]\((docs/[^)]+)\)", r"^## ", r"\d+\.\d", r"^\| `(\w+)"):
        found = [re.findall(pattern, text, re.MULTILINE) for text in (english, chinese)]
        assert sorted(found[0]) == sorted(found[1]), pattern


def test_the_make_targets_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
