"""What several runs are called: where their folders differ."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tunebook.errors import Problem, RequestError
from tunebook.predicting.finished import FinishedRun

Folder = str | Path | FinishedRun


def read_runs(folders: Sequence[Folder]) -> dict[str, FinishedRun]:
    """The finished runs in `folders` by label, in order.

    Raises RequestError with what is wrong with each folder, and where one is given twice.
    """
    problems, runs = [], []
    for folder in folders:
        try:
            runs.append(folder if isinstance(folder, FinishedRun) else FinishedRun.read(folder))
        except RequestError as error:
            problems += error.problems
    places = [run.path.resolve() for run in runs]
    twice = sorted({str(place) for place in places if places.count(place) > 1})
    problems += [Problem(place, "is given twice", "Give each run once.") for place in twice]
    if problems:
        raise RequestError(problems)
    return dict(zip(labels_of(places), runs, strict=True))


def labels_of(folders: Sequence[Path]) -> list[str]:
    """As little of each folder's path, from its beginning, as tells it from all the others.

    >>> labels_of([Path("/runs/qa/t5/prompt/a"), Path("/runs/translate/t5/prompt/b")])
    ['qa', 'translate']
    >>> labels_of([Path("/runs/qa/t5/prompt/a"), Path("/runs/qa/t5/prefix/b")])
    ['prompt', 'prefix']
    """
    if len({len(folder.parts) for folder in folders}) > 1:
        common = os.path.commonpath([folder.parent for folder in folders])
        return [folder.relative_to(common).as_posix() for folder in folders]
    columns = list(zip(*(folder.parts for folder in folders), strict=True))
    differ = [i for i, parts in enumerate(columns) if len(set(parts)) > 1] or [-1]
    tries = (_joined(folders, differ[:n]) for n in range(1, len(differ) + 1))
    return next((labels for labels in tries if len(set(labels)) == len(labels)), [])


def _joined(folders: Sequence[Path], places: Sequence[int]) -> list[str]:
    return ["/".join(folder.parts[i] for i in places) for folder in folders]
