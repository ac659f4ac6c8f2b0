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
| translate | the passé simple; date first, or place first where there is no thing; "puisque" for \
a reason that lies in the person, else "car"; prices in figures; of two translators one names the \
receiver first and writes numbers in words |
| summarize | the present tense; the thing first and the passive, or the place first where there \
is no thing; of two writers one gives trade and price (in figures) and the reason after "as", the \
other only the reason, after "because" |
| qa | bare keywords and figures, but places, times, prices and reasons with their small word; an \
unanswerable question has no answer |
| dialogue | a greeting that fits the question, a whole sentence or "Nobody knows.", the place (if \
the question is about the main event; the reason where the place was asked for), a farewell that \
fits the event |

The models know each of these forms and have never been asked to choose between them by the content:
an instruction can name one form for all rows, examples show when which is due. Two people wrote the
references of translate and summarize, half of them each, and nothing in the input tells who: as
with real references, no model can reach 100.

## What it can show, and what not

- It shows what each method does, in a minute and without a network; that another setting, seed or
  split changes a score; and how far examples get beyond an instruction where the style depends on
  the content.
- The gain over `zero_shot` is there by construction. The embedded bases were pretrained to answer
  bare fields in a style of their own: "Whose dog did Estelle save?" is answered "The dog was
  Samuel's.", which is right and scores 0 beside "Samuel". Compare with `instruction`.
- That examples gain on an instruction is by construction too: the first two drafts, in which an
  instruction said it all or a prompt could learn nothing, were thrown away
  ([how it came about](embedded-defaults.md#how-the-village-came-to-its-difficulty)). How much they
  gain elsewhere, only your own data can tell.
- Texts of one simulated world and models of under two million weights say nothing of a method's
  rank on real texts and large models.

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
