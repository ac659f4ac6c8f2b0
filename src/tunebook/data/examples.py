"""The examples of a run: its three splits, checked, held out and sampled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tunebook.schema import DataSettings
from tunebook.tasks.task import Task

if TYPE_CHECKING:
    from datasets import Dataset

    from tunebook.data.sources import Source


@dataclass
class Examples:
    """What a run trains, selects and scores on.

    Each split has the columns `id`, the task's fields (a list of texts where the field is `many`)
    and, where there are several per row, `references`. `fingerprint` is a hash of the content that
    was read, before sampling; `notes` are the lines said on the way.
    """

    train: Dataset
    validation: Dataset
    test: Dataset
    fingerprint: str
    notes: list[str]


def load(settings: DataSettings, task: Task, say: Callable[[str], None]) -> Examples:
    """The examples that `settings` describe, in the columns of `task`.

    `say` gets one line for each automatic choice and warning. Raises RequestError with every
    problem found. Writes nothing but files in the datasets cache.
    """
    return _load(settings, task, say, with_test=True)


def load_to_select(settings: DataSettings, task: Task, say: Callable[[str], None]) -> Examples:
    """The training and validation rows that `load` gives, and no test rows.

    A test split with a source of its own is not read. Without one, its rows are held out of train
    as ever, and dropped.
    """
    return _load(settings, task, say, with_test=False)


def _load(
    settings: DataSettings, task: Task, say: Callable[[str], None], *, with_test: bool
) -> Examples:
    from tunebook.data import cache, checks, overlap, sampling, sources
    from tunebook.data.faults import Notes

    notes = Notes(say)
    checks.check_request(settings, task)
    opened = sources.open_sources(settings if with_test else without_test(settings), task, notes)
    unread = () if with_test or not has_own_test(settings) else ("test",)
    if not with_test:
        opened.pop("test", None)
    read = cache.read_sources(opened, settings, task, notes)
    sample = sampling.Sample(settings, task, notes)
    splits = sample.draw(read, unread)
    if not with_test:
        splits["test"] = splits["train"].select([])
    overlap.report(splits, settings, task, notes)
    return Examples(
        **splits, fingerprint=fingerprint(opened, settings, task, sample.made), notes=notes.lines
    )


def fingerprint(
    sources: Mapping[str, Source], settings: DataSettings, task: Task, made: list[str]
) -> str:
    """A hash of the content of every split, and of what was `made` of its rows."""
    from tunebook.data.columns import conversation_path

    lines = [f"{split} {source.content}" for split, source in sorted(sources.items())]
    lines += ["a row a reply"] if conversation_path(task, settings.fields) else []
    return hashlib.sha256("\n".join([*lines, *made]).encode()).hexdigest()


def without_test(settings: DataSettings) -> DataSettings:
    """These settings with no test split named."""
    splits = {split: name for split, name in settings.splits.items() if split != "test"}
    return replace(settings, test=None, splits=splits)


def check_files(settings: DataSettings, *, with_test: bool = True) -> None:
    """Raise RequestError where files that `settings` name are missing; no row is read.

    with_test: of a search's trials the test split is nobody's business.
    """
    if settings.source == "files":
        from tunebook.data import files

        files.check_files(settings if with_test else without_test(settings))


def has_own_test(settings: DataSettings) -> bool:
    """Whether the test split has a source of its own, and is not held out of train."""
    if settings.source == "files":
        return bool(settings.test)
    if settings.source == "hub":
        from tunebook.data.hub import is_named

        return is_named(settings.splits.get("test"))
    return settings.source != "rows" or bool(settings.rows.get("test"))
