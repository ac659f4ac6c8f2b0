"""Nothing that is printed moves the cursor, and everything is printed in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rich.markup import escape
from rich.table import Table

from tunebook import terminal

HOSTILE = "a\x1b]0;HACKED\x07\x1b[2Jb\r\x9b\u202ec\ud800"
SHOWN = "a?]0;HACKED??[2Jb???c?"
BY_RICH = "a?]0;HACKED?[2Jb??c?"
"""rich leaves bells and returns out itself."""
ROOT = Path(__file__).parents[1]
PRINT_ELSEWHERE = {"terminal.py", "__main__.py"}
"""The one place; and the village's own, which writes files that it is asked for."""


def test_control_characters_are_shown_as_question_marks(capsys: pytest.CaptureFixture) -> None:
    terminal.show(HOSTILE)
    terminal.note(HOSTILE)
    terminal.Console(force_terminal=False).print(escape(HOSTILE))
    terminal.show(f"\x1b[1m{HOSTILE}\x1b[0m", coloured=True)
    out, err = capsys.readouterr()
    assert out == f"{SHOWN}\n{BY_RICH}\n\x1b[1m{SHOWN}\x1b[0m\n"
    assert err == f"{SHOWN}\n"


def test_letters_of_every_script_stay(capsys: pytest.CaptureFixture) -> None:
    text = "é 中文\u3000« x\u00a0» \u202f👩\u200d👧\tنص\n"
    terminal.show(text, end="")
    assert capsys.readouterr().out == text


def test_a_table_of_hostile_text(capsys: pytest.CaptureFixture) -> None:
    table = Table(title=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE)
    terminal.Console(width=200, force_terminal=True, color_system=None).print(table)
    out = capsys.readouterr().out
    assert "\x07" not in out
    assert "\x1b]" not in out
    assert "\x1b[2J" not in out
    assert "HACKED" in out


def test_nothing_is_printed_past_it() -> None:
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "recipes").glob("*.py")]
    past = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in files
        if file.name not in PRINT_ELSEWHERE
        for node in ast.walk(ast.parse(file.read_text()))
        if _prints(node)
    ]
    assert not past


def _prints(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module == "rich.console" and any(a.name == "Console" for a in node.names)
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Name) and called.id == "print"
