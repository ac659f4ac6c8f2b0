"""Examples of every task as a Markdown page."""

from __future__ import annotations

from tunebook.data.village.rows import TASKS, VERSION, Row, rows

COMMAND = "python -m tunebook.data.village --page > docs/village.md"
_HEAD = f"""# What is in the village?

`data=village` is a small simulated world, told in English and French. People, places, objects,
prices, dates and reasons come from tables; events are drawn from a seed; every row is told anew.
Version {VERSION}; the same seed gives the same rows on every platform.

- 4000 training, 400 validation and 400 test rows a task by default; any number on request.
- No event (who did what to whom, where) is in two splits. One name in four and one object in four
  occurs in no training split of any task, only in validation and test (the embedded bases met them
  in pretraining, with other events, so they can spell and translate them).
- Every task has a house style that the embedded bases were never trained on:

| task | house style |
|---|---|
| translate | literary French: date first, passé simple, receiver before things, car, words |
| summarize | place first, present tense, name with trade, figures, price, reason after "as" |
| qa | a bare keyword without small words, figures; an unanswerable question has no answer |
| dialogue | a formal greeting, a whole sentence, one more fact (the place), a formal farewell |

Ten examples a task, written by `{COMMAND}`:
"""


def page(count: int = 10) -> str:
    """The whole page, with the first `count` training rows of every task."""
    return _HEAD + "".join(_section(task, count) for task in TASKS)


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
