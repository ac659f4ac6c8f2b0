"""What an outputs folder holds, and removing what is picked: whole run folders and nothing else.

A folder is a run folder of ours if a run made everything in it. One that holds another file, or
that a process is working in, is left alone. A folder is set aside whole before it is deleted, so
that a removal that is cut off leaves no half run.
"""

from __future__ import annotations

import contextlib
import fnmatch
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.text import Text

from tunebook.book import tables
from tunebook.book.described import shown
from tunebook.comparison.columns import size
from tunebook.comparison.keys import full_key
from tunebook.comparison.loading import run_folders
from tunebook.counting import counted
from tunebook.documents import BrokenDocument
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.runs.folder import MADE_BY_A_RUN
from tunebook.runs.lock import LOCK, Lock, is_at_work
from tunebook.runs.reading import flat, read_settings, read_status
from tunebook.sweep.scratch import remove_killed

RUN_NAME, TRIAL_NAME = re.compile(r".+-[0-9a-f]{10}"), re.compile(r"[0-9a-f]{10}")
OURS = {*MADE_BY_A_RUN, "settings.yaml", LOCK, "prefix"}
ASIDE = ".removing-"
ANSWERS = ".before"
TRIALS = ".trials"
OUTPUTS = "outputs"
STATE, RUNNING, BROKEN, INTERRUPTED = "state", "running", "broken", "interrupted"
STATES = ("complete", "failed", INTERRUPTED, RUNNING, BROKEN)
AGES = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")


@dataclass(frozen=True)
class Run:
    """A run folder. seconds: since it was last written to; kept: why it may not be removed."""

    path: Path
    state: str
    bytes: int
    seconds: float
    settings: Mapping[str, Any]
    kept: str = ""


@dataclass(frozen=True)
class Pick:
    """Which runs are meant: all conditions must hold.

    everything: without a condition, all are meant. answers: kept answers of untouched models too.
    trials: not runs are meant, but the trials of searches; a search keeps its report.
    """

    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    seconds: float = 0.0
    bytes: float = 0.0
    everything: bool = False
    answers: bool = False
    trials: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing was asked for."""
        return not (self.values or self.seconds or self.bytes)

    @property
    def kind(self) -> str:
        """What is meant, in a word."""
        return "trial" if self.trials else "run"

    def takes(self, run: Run) -> bool:
        """Whether `run` is meant."""
        old, large = run.seconds >= self.seconds, run.bytes >= self.bytes
        return old and large and all(_matches(run, *one) for one in self.values.items())


def _matches(run: Run, key: str, wanted: Sequence[str]) -> bool:
    known = {**run.settings, STATE: run.state}
    where = full_key(key, known)
    value = shown(known[where]) if where else None
    return value is not None and any(fnmatch.fnmatchcase(value, one) for one in wanted)


def pick_from(
    words: Sequence[str], older_than: str | None, larger_than: str | None, **meant: bool
) -> Pick:
    """The pick that KEY=VALUE words, an age and a size make; `meant` is what else it says.

    Raises RequestError.
    """
    problems: list[Problem] = []
    values = {key: value.split(",") for key, _, value in (word.partition("=") for word in words)}
    seconds = _amount("--older-than", older_than, AGES, "12h, 30d, 6w", problems)
    bytes = _amount("--larger-than", larger_than, SIZES, "500kB, 20MB, 1GB", problems)
    if problems:
        raise RequestError(problems)
    return Pick(values, seconds, bytes, **meant)


def _amount(
    flag: str, text: str | None, units: Mapping[str, float], examples: str, problems: list[Problem]
) -> float:
    if text is None:
        return 0.0
    found = AMOUNT.fullmatch(text)
    if found and found[2] in units:
        return float(found[1]) * units[found[2]]
    problems.append(Problem(f"{flag} {text}", "is no amount", f"Write, for example, {examples}."))
    return 0.0


def clean(folders: Sequence[Path], pick: Pick, *, remove: bool) -> int:
    """List the runs that are meant; with `remove`, remove them. Returns 1 where one could not be.

    Raises RequestError where nothing says which runs are to be removed.
    """
    missing = [one for one in folders if not one.is_dir() and str(one) != OUTPUTS]
    if missing:
        raise RequestError([Problem(str(one), "there is no such folder") for one in missing])
    runs = _trials(folders) if pick.trials else _runs(folders)
    _check(pick, runs)
    says_what = pick.everything or pick.answers or all(map(_is_run, folders))
    if remove and pick.is_open and not says_what:
        remedy = "Give state=failed, --older-than 30d, a run's folder, or --all."
        raise RequestError(Problem("--remove", "does not say what", remedy))
    wanted = pick.everything or pick.trials or not pick.answers
    meant = [run for run in runs if pick.takes(run)] if wanted else []
    answers = _answers(folders) if pick.answers else []
    _show(meant, answers, pick.kind)
    if not pick.trials:
        _tell_of_trials(folders)
    if not remove:
        if meant or answers:
            tables.show("nothing was removed; the same command with --remove removes these")
        return 0
    if killed := sum(map(remove_killed, folders)):
        tables.show(f"removed what {counted(killed, 'killed sweep')} left")
    return _remove_all(meant, answers, folders, pick.kind)


def _is_run(folder: Path) -> bool:
    return (folder / "settings.yaml").is_file() and (folder / "status.json").is_file()


def _runs(folders: Sequence[Path]) -> list[Run]:
    """Every run in or below `folders`."""
    found = dict[Path, None]()
    for folder in filter(Path.is_dir, folders):
        with contextlib.suppress(RequestError):  # a folder without runs is clean
            found |= dict.fromkeys(run_folders([folder]))
    return [_run(path) for path in found]


def _trials(folders: Sequence[Path]) -> list[Run]:
    """Every trial of a search below `folders`."""
    parents = (one for folder in folders for one in sorted(folder.rglob(TRIALS)))
    return [_run(path) for parent in parents for path in sorted(parent.iterdir()) if _is_run(path)]


def _tell_of_trials(folders: Sequence[Path]) -> None:
    trials = _trials(folders)
    if trials:
        held = f"{counted(len(trials), 'trial')} of searches, {_size_of(trials)}"
        tables.show(f"beside them {held}: see --trials")


def _run(path: Path) -> Run:
    files = [file for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
    stats = [file.stat() for file in files]
    last = max((one.st_mtime for one in stats), default=path.stat().st_mtime)
    settings = _settings_in(path)
    return Run(
        path,
        state=_state(path, settings),
        bytes=sum(one.st_size for one in stats),
        seconds=max(0.0, time.time() - last),
        settings=flat(settings),
        kept=_why_kept(path, settings),
    )


def _settings_in(path: Path) -> dict[str, Any]:
    try:
        return read_settings(path)
    except BrokenDocument:
        return {}


def _state(path: Path, settings: Mapping[str, Any]) -> str:
    if is_at_work(path):
        return RUNNING
    try:
        state = read_status(path).state
    except BrokenDocument:
        return BROKEN
    if not settings:
        return BROKEN
    return INTERRUPTED if state == RUNNING else state


def _why_kept(path: Path, settings: Mapping[str, Any]) -> str:
    """Why the folder may not be removed; empty where it may."""
    if path.is_symlink():
        return "is a link"
    name = TRIAL_NAME if path.parent.name == TRIALS else RUN_NAME
    if not name.fullmatch(path.name) or "schema" not in settings or "method" not in settings:
        return "does not look like a run folder of Tunebook"
    foreign = sorted(one.name for one in path.iterdir() if one.name not in OURS)
    foreign = [name for name in foreign if not (name.startswith(".") and name.endswith(".part"))]
    return f"holds {foreign[0]}, which no run made" if foreign else ""


def _check(pick: Pick, runs: Sequence[Run]) -> None:
    known = {key for run in runs for key in run.settings} | {STATE}
    known |= {key.removesuffix(".name") for key in known if key.endswith(".name")}
    problems = [
        Problem(key, "no run has such a setting", did_you_mean(key, known))
        for key in pick.values
        if key not in known
    ]
    problems += [
        Problem(f"{STATE}={value}", "there is no such state", did_you_mean(value, STATES))
        for value in pick.values.get(STATE, ())
        if not fnmatch.filter(STATES, value)
    ]
    if problems and runs:
        raise RequestError(problems)


def _answers(folders: Sequence[Path]) -> list[Path]:
    """The kept answers of untouched models: files of ours with ten digits for a name."""
    files = (file for folder in folders for file in (folder / ANSWERS).glob("*.json"))
    return sorted(file for file in files if TRIAL_NAME.fullmatch(file.stem))


def _show(runs: Sequence[Run], answers: Sequence[Path], what: str) -> None:
    rows = [
        (_age(run.seconds), size(run.bytes), run.state, Text(str(run.path)), run.kept)
        for run in sorted(runs, key=lambda run: -run.bytes)
    ]
    if rows:
        tables.show(tables.table(("AGE", "SIZE", "STATE", what.upper(), "LEFT ALONE"), rows))
    if answers:
        held = size(sum(file.stat().st_size for file in answers))
        tables.show(f"{counted(len(answers), 'kept answer')} of untouched models, {held}")
    if runs or not answers:
        tables.show(f"{counted(len(runs), what)}, {_size_of(runs)}")


def _size_of(runs: Sequence[Run]) -> str:
    return size(sum(run.bytes for run in runs))


def _remove_all(
    runs: Sequence[Run], answers: Sequence[Path], folders: Sequence[Path], what: str
) -> int:
    freed, left = 0, []
    for run in runs:
        reason = run.kept or remove_run(run.path)
        if reason:
            left.append(f"{run.path} {reason}")
        else:
            freed += run.bytes
            _remove_empty_above(run.path, folders)
    for file in answers:
        freed += file.stat().st_size
        file.unlink(missing_ok=True)
    for line in left:
        tables.show(Text(f"left alone: {line}"))
    tables.show(f"removed {counted(len(runs) - len(left), what)}, {size(freed)} freed")
    return 1 if left else 0


def remove_run(path: Path) -> str:
    """Remove the run folder, unless a process works in it. Returns why it was left, or nothing."""
    lock = Lock(path)
    try:
        if not lock.acquire():
            return "is running"
    except OSError as error:
        return f"cannot be removed: {error.strerror}"
    aside = path.with_name(f"{ASIDE}{path.name}")
    try:
        path.rename(aside)
    except OSError as error:
        return f"cannot be removed: {error.strerror}"
    finally:
        lock.release()
    shutil.rmtree(aside, ignore_errors=True)
    return f"was set aside, but {aside} cannot be deleted" if aside.exists() else ""


def _remove_empty_above(path: Path, folders: Sequence[Path]) -> None:
    """Remove the folders of trials, method, model and task that hold nothing any more."""
    ends = {folder.resolve() for folder in folders}
    depth = 4 if path.parent.name == TRIALS else 3
    for folder in list(path.resolve().parents)[:depth]:
        if folder in ends or any(folder.iterdir()):
            return
        folder.rmdir()


def _age(seconds: float) -> str:
    for unit, one in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= one:
            return f"{seconds / one:.0f} {unit}"
    return "now"
