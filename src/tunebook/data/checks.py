"""What can be known to be wrong before any data is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tunebook.data.cells import SEPARATORS
from tunebook.data.columns import EXTRA_COLUMNS, conversation_path
from tunebook.data.sources import SPLITS
from tunebook.errors import Problem, RequestError, did_you_mean, either
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

OF_THE_HUB = ("path", "subset", "revision")
OF_CELLS = ("separator", "quoted")


def check_request(settings: DataSettings, task: Task) -> None:
    """Raise RequestError where the data set cannot serve the task or the keys do not fit."""
    problems = [
        *_unserved_task(settings, task),
        *_unknown_fields(settings, task),
        *_same_column(settings, task),
        *_unknown_splits(settings),
        *_missing_keys(settings),
        *_written_rows(settings),
        *_separator(settings),
        *_unused_keys(settings),
    ]
    if problems:
        raise RequestError(problems)


def _unserved_task(settings: DataSettings, task: Task) -> Iterator[Problem]:
    chosen = task.settings
    if settings.tasks and not {chosen.name, chosen.kind} & set(settings.tasks):
        served = " and ".join(settings.tasks)
        what = f"{settings.name} serves {served}; you chose {chosen.name}"
        yield Problem("data", what, f"Set task={settings.tasks[0]}, or choose other data.")


def _unknown_fields(settings: DataSettings, task: Task) -> Iterator[Problem]:
    known = [*task.fields, *EXTRA_COLUMNS]
    for name in settings.fields:
        if name not in known:
            what = f"{task.settings.name} has no such field; it has {', '.join(task.fields)}"
            yield Problem(f"data.fields.{name}", what, did_you_mean(name, known))


def _same_column(settings: DataSettings, task: Task) -> Iterator[Problem]:
    """Two fields of one column, but for the history and response of whole conversations."""
    seen: dict[str, str] = {}
    talks = conversation_path(task, settings.fields)
    for name in task.fields:
        column = settings.fields.get(name, name)
        if not isinstance(column, str):
            what = f"is one column, not {len(column)}"
            yield Problem(f"data.fields.{name}", what, "Several are for references alone.")
        elif column in seen and column != talks:
            what = f"{seen[column]} and {name} are both read from the column {column}"
            key = name if name in settings.fields else seen[column]
            yield Problem(f"data.fields.{key}", what, "Name another column for one of them.")
        else:
            seen[column] = name


def _unknown_splits(settings: DataSettings) -> Iterator[Problem]:
    for name in settings.splits:
        if name not in SPLITS:
            yield Problem(f"data.splits.{name}", "no such split", did_you_mean(name, SPLITS))


def _missing_keys(settings: DataSettings) -> Iterator[Problem]:
    if settings.source == "files" and not settings.train:
        yield Problem("data.train", "is missing", "Set data.train=FILE (or a folder of files).")
    if settings.source == "hub" and not settings.path:
        remedy = "Set data.path=OWNER/NAME, or a local folder with the same files."
        yield Problem("data.path", "is missing", remedy)
    if settings.source == "hub" and not settings.splits.get("train"):
        yield Problem("data.splits.train", "is missing", "Name the split to train on.")


def _written_rows(settings: DataSettings) -> Iterator[Problem]:
    if settings.source != "rows":
        if settings.rows:
            what = f"belongs to a data set with source: rows; you chose data={settings.name}"
            yield Problem("data.rows", what, "Remove it, or copy conf/data/hello.yaml.")
        return
    if not settings.rows.get("train"):
        remedy = "Write a list: rows: {train: [{source: ..., target: ...}]}."
        yield Problem("data.rows.train", "is missing", remedy)
    for split, rows in settings.rows.items():
        if split not in SPLITS:
            yield Problem(f"data.rows.{split}", "no such split", f"Use {', '.join(SPLITS)}.")
        elif not isinstance(rows, list):
            yield Problem(f"data.rows.{split}", "is no list of rows", "Begin each with a dash.")
        else:
            yield from _no_mappings(split, rows)


def _no_mappings(split: str, rows: list[Any]) -> Iterator[Problem]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            what = f"row {number} has no fields: {row!r}"
            yield Problem(f"data.rows.{split}", what, "Write {source: ..., target: ...}.")


def _separator(settings: DataSettings) -> Iterator[Problem]:
    given = settings.separator
    if given is not None and given not in SEPARATORS and (len(given) != 1 or given in '"\r\n'):
        what = f"is one character or one of {either([*SEPARATORS][:3])}, not {given!r}"
        yield Problem("data.separator", what, "Set data.separator=semicolon, for instance.")


def _unused_keys(settings: DataSettings) -> Iterator[Problem]:
    """Keys that another source reads."""
    chose = f"; you chose data={settings.name}"
    hub, files = f"belongs to a data set of the hub{chose}", f"belongs to data=files{chose}"
    if settings.source != "hub":
        usual = DataSettings(name="", source="hub").splits
        for split, name in settings.splits.items():
            if split in SPLITS and name != usual[split]:
                yield Problem(f"data.splits.{split}", hub, "Leave it out.")
        remedy = "Choose one with data=NAME, or give files: data=files data.train=FILE."
        for key in OF_THE_HUB:
            if getattr(settings, key):
                yield Problem(f"data.{key}", hub, remedy)
    if settings.source != "files":
        for key in OF_CELLS:
            if getattr(settings, key) is not None:
                yield Problem(f"data.{key}", files, "Leave it out.")
        for split in SPLITS:
            if getattr(settings, split):
                yield Problem(f"data.{split}", files, "Add data=files.")
