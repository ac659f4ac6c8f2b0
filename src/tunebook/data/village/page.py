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
  in pretraining, in other events).
- Every task has a house style that the embedded bases were never trained on:

| task | house style |
|---|---|
| translate | "On raconte que", date first, passé simple, receiver before things, car, numbers in \
words, people under their French names |
| summarize | place and season as in a gazette, present tense, trade, figures, the price judged, \
reason after "as", then who else is in the news; all names as initials |
| qa | the kind of answer, then the bare keyword without small words, figures; an unanswerable \
question has no answer |
| dialogue | a greeting (a regret where nobody told), a whole sentence, one more fact (the place) \
if the question is about the main event, a judgement of the event, a farewell |

Some of it can be said in the instruction that `method=instruction` puts above the fields; some of
it the models were never taught to follow; and some of it is knowledge that they lack: which letter
a name begins with, a name's French form, the season of a month. One name in four is met first in
the test split, so that knowledge of the last kind cannot be learned in full.

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
