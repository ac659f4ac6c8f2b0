"""Opening the source that the settings name, and reading each split of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tunebook.data.columns import conversation_path
from tunebook.data.notes import Notes
from tunebook.data.pool import Pool, read_pool, reference_paths
from tunebook.data.source import Source
from tunebook.errors import Problem, RequestError, either
from tunebook.schema import DataSettings
from tunebook.tasks.task import Task


def open_sources(settings: DataSettings, task: Task, notes: Notes) -> dict[str, Source]:
    """A source for each split that is there; at least train. Raises RequestError."""
    if settings.source == "files":
        from tunebook.data.files import open_files

        return open_files(settings, notes)
    if settings.source == "hub":
        from tunebook.data.hub import open_hub

        return open_hub(settings, notes)
    if settings.source == "rows":
        from tunebook.data.written import open_rows

        return open_rows(settings)
    from tunebook.data.embedded import open_village

    return open_village(settings, task)


def read_sources(
    sources: Mapping[str, Source], settings: DataSettings, task: Task, notes: Notes
) -> dict[str, Pool]:
    """The usable rows of each source. Raises RequestError with the problems of all of them."""
    problems: list[Problem] = []
    pools: dict[str, Pool] = {}
    for split, source in sources.items():
        try:
            pools[split] = read_pool(source, settings, task, notes)
        except RequestError as error:
            problems += error.problems
    problems += _unfound_references(pools, settings)
    if problems:
        raise RequestError(problems)
    return pools


def _unfound_references(pools: Mapping[str, Pool], settings: DataSettings) -> list[Problem]:
    """References may be missing in some splits, but not in all that can be read."""
    paths = reference_paths(settings)
    if not paths or not pools or any(pool.has_references for pool in pools.values()):
        return []
    what = f"no split has a column {either(paths)}"
    return [Problem("data.fields.references", what, "Set data.fields.references=COLUMN.")]


def fingerprint(
    sources: Mapping[str, Source], settings: DataSettings, task: Task, made: list[str]
) -> str:
    """A hash of the content of every split, and of what was `made` of its rows."""
    lines = [f"{split} {source.content}" for split, source in sorted(sources.items())]
    lines += ["a row a reply"] if conversation_path(task, settings.fields) else []
    lines += made
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
