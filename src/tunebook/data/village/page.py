"""Examples of every task as a Markdown page."""

from __future__ import annotations

from pathlib import Path

from tunebook.data.village.rows import TASKS, VERSION, Row, rows

COMMAND = "python -m tunebook.data.village --page > docs/village.md"


def page(count: int = 10) -> str:
    """The whole page, with the first `count` training rows of every task."""
    head = Path(__file__).with_suffix(".md").read_text(encoding="utf-8")
    head = head.replace("{version}", VERSION).replace("{command}", COMMAND)
    return head + "".join(_section(task, count) for task in TASKS)


def _section(task: str, count: int) -> str:
    shown = [_shown(number, row) for number, row in enumerate(rows(task, "train", count), 1)]
    return f"\n## {task}\n\n" + "\n".join(shown)


def _shown(number: int, row: Row) -> str:
    lines = [f"{number}. {_line(name, row[name])}" for name in list(row)[1:2]]
    lines += [f"   {_line(name, row[name])}" for name in list(row)[2:]]
    return "  \n".join(lines) + "\n"


def _line(name: str, value: str | list[str]) -> str:
    if isinstance(value, str):
        return f"**{name}** {value}"
    return f"**{name}** " + (" — ".join(value) if value else "(none)")
