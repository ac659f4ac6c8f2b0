"""The scratch folder of a sweep: its plan, and a file a run that says how it goes.

Whoever runs a run writes its file, whole each time; whoever started the sweep reads them all. So it
does not matter in which process or on which machine of a shared disk a run happens.
"""

from __future__ import annotations

import os
import shutil
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path

from tunebook.runs.files import read_json, write_json, write_text
from tunebook.schema import Settings
from tunebook.settings import settings_from
from tunebook.sweep import starter

RUNNING, DONE, FINISHED_BEFORE = "running", "done", "finished before"
FAILED, REFUSED, ELSEWHERE = "failed", "refused", "running elsewhere"
SWEEPS, PLAN, SETTINGS, LAUNCHER = ".sweeps", "plan.json", "settings", "launcher.txt"
ENDED = "ended"
ENDED_WELL = (DONE, FINISHED_BEFORE)


@dataclass
class Outcome:
    """What is known of one run.

    state: one of the words above. folder: its run folder, if there is one. reason: why it did not
    end well. came_to: its result in a few words, where there is more to say than that it is done.
    seconds: since it began. doing: what it is at. said: its choices and warnings.
    """

    number: int
    state: str = RUNNING
    folder: str = ""
    reason: str = ""
    came_to: str = ""
    seconds: float = 0.0
    doing: str = ""
    said: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether its scores are there."""
        return self.state in ENDED_WELL


@dataclass(frozen=True)
class Scratch:
    """The files below `path`; its plan says how many runs each phase has."""

    path: Path

    @classmethod
    def make(cls, outputs: Path, phases: Sequence[int]) -> Scratch:
        """A new one below `outputs`, where every process that may run a run can see it.

        phases: how many runs there are of each phase, in their order.
        """
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
        scratch = cls(outputs.absolute() / SWEEPS / name)
        plan = {"phases": list(phases), "starter": starter.this_process()}
        write_json(scratch.path / PLAN, plan)
        return scratch

    def write_settings(self, runs: Sequence[Settings]) -> None:
        """Keep the settings of each run, once: whoever runs it reads its own alone."""
        for number, settings in enumerate(runs):
            write_json(self.path / SETTINGS / f"{number}.json", asdict(settings))

    def settings_of(self, number: int) -> Settings:
        """The settings of a run, the same that were written."""
        return settings_from(read_json(self.path / SETTINGS / f"{number}.json"))

    def end_with_its_starter(self) -> None:
        """Let this process, if it is a worker, end when the sweep does."""
        starter.end_with(read_json(self.path / PLAN)["starter"])

    def phases(self) -> list[range]:
        """The numbers of the runs of each phase, which begins when the one before it has ended."""
        ends = list(accumulate(read_json(self.path / PLAN)["phases"], initial=0))
        return [range(first, end) for first, end in pairwise(ends)]

    def write(self, outcome: Outcome) -> None:
        """Say how a run goes, unless the sweep is over and its folder gone."""
        if self.path.is_dir():
            write_json(self.path / f"{outcome.number}.json", asdict(outcome))

    def read(self) -> dict[int, Outcome]:
        """What is known of each run that has begun, by its number."""
        files = [file for file in self.path.glob("*.json") if file.stem.isdigit()]
        known = [Outcome(**content) for file in files if (content := read_json(file))]
        return {one.number: one for one in sorted(known, key=lambda one: one.number)}

    def note(self, number: int, error: BaseException) -> None:
        """Keep where an error of a run came from."""
        text = "".join(traceback.format_exception(error))
        write_text(self.path / f"{number}.traceback.txt", text)

    def note_launcher(self, error: Exception) -> None:
        """Keep why a launcher gave up."""
        write_text(self.path / LAUNCHER, "".join(traceback.format_exception(error)))

    def why_the_launcher_gave_up(self) -> str:
        """The last line of what was noted; empty where it did not."""
        file = self.path / LAUNCHER
        return file.read_text(encoding="utf-8").splitlines()[-1] if file.exists() else ""

    def keep(self) -> None:
        """Leave it to be read: its sweep has ended."""
        (self.path / ENDED).touch()

    def remove(self, outputs: Path) -> None:
        """Delete it, and what was made above it and holds nothing else."""
        shutil.rmtree(self.path, ignore_errors=True)
        _remove_if_empty(self.path.parent, outputs.absolute())


def remove_killed(outputs: Path) -> int:
    """Delete what sweeps left that were killed, and could not do it; returns how many there were.

    What a sweep keeps to be read stays, and what may be at work on another machine.
    """
    killed = [plan.parent for plan in (outputs / SWEEPS).glob(f"*/{PLAN}") if _was_killed(plan)]
    for folder in killed:
        shutil.rmtree(folder, ignore_errors=True)
    _remove_if_empty(outputs / SWEEPS)
    return len(killed)


def _was_killed(plan: Path) -> bool:
    content = read_json(plan)
    known = content.get("starter") if isinstance(content, dict) else None
    ended = (plan.parent / ENDED).exists()
    return not ended and isinstance(known, dict) and starter.has_ended(known)


def _remove_if_empty(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
