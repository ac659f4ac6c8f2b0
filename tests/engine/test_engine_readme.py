"""The engine's README names every module, and the tests that hold each change equal are there."""

from __future__ import annotations

import re
from pathlib import Path

from tunebook import engine

FOLDER = Path(engine.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
CHANGES = README[README.index("## Changes") : README.index("## What carries them")]
TESTS = Path(__file__).parents[1]


def test_every_module_has_a_row() -> None:
    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(\w+\.py)`", " ".join(rows))
    assert sorted(named) == sorted({file.name for file in FOLDER.glob("*.py")} - {"__init__.py"})


def test_every_change_is_held_equal_by_a_test_that_is_there() -> None:
    rows = [line.split("|")[1:-1] for line in CHANGES.splitlines() if line.startswith("| `")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in TESTS.rglob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row[-1])
        assert named, row[0]
        assert set(named) <= defined


def test_what_is_left_out_has_a_switch() -> None:
    source = "\n".join(file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py"))
    asked = set(re.findall(r'(?:left_out)\("(\w+)"\)', source)) | {"greedy"}
    assert set(re.findall(r"`TUNEBOOK_PLAIN=(\w+)`", CHANGES)) == asked


def test_others_come_in_by_the_door() -> None:
    beside = re.compile(r"(?:from|import) tunebook\.engine\.\w+")
    others = [file for file in FOLDER.parent.rglob("*.py") if FOLDER not in file.parents]
    assert [str(file) for file in others if beside.search(file.read_text("utf-8"))] == []
