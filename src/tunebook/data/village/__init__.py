"""The embedded data: a small bilingual world, told anew from every seed.

`rows("summarize", "train", 4000)` gives the same 4000 rows everywhere. Nothing here is stored:
people, places, objects and events come from tables (`lexicon`), are drawn by chance (`events`),
told in English and French (`english`, `french`, `reports`) and rendered in a style
(`summaries`, `questions`, `dialogues`, `translations`). A task's rows are in its house style.
"""

from tunebook.data.village.rows import DEFAULT_ROWS, TASKS, VERSION, rows

__all__ = ["DEFAULT_ROWS", "TASKS", "VERSION", "rows"]
