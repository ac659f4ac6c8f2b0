"""One run of a sweep, in whatever process: run, followed, and its outcome written down."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunebook import interruption
from tunebook.errors import RequestError, RunFailed, RunsElsewhere
from tunebook.events import Doing, Frame
from tunebook.schema import Settings
from tunebook.sweep.scratch import (
    DONE,
    ELSEWHERE,
    FAILED,
    FINISHED_BEFORE,
    REFUSED,
    Outcome,
    Scratch,
)
from tunebook.system import problem_of

Action = Callable[[Settings], object]


@dataclass
class Job:
    """Runs one run of the plan by its number.

    Its settings, and what becomes of it, stand in the scratch folder: a launcher hands this on with
    each run, so that it holds nothing that grows with the sweep.
    """

    action: Action
    folder: Path

    def launched(self, config: Any) -> None:
        """What a launcher of Hydra's calls."""
        self(config.run)

    def __call__(self, number: int) -> None:
        """Run it, in whatever process."""
        from tunebook import report
        from tunebook.models import keeping

        scratch = Scratch(self.folder)
        scratch.end_with_its_starter()
        teller = Teller(scratch, Outcome(number))
        keeping.keep_until_the_end()
        with report.heard_by(teller):
            teller.tell()
            teller.end(**_outcome(lambda: self.action(scratch.settings_of(number)), teller))
        _give_memory_back()


def _outcome(run: Callable[[], Any], teller: Teller) -> dict[str, Any]:
    """How a run ended. No exception is kept: it would hold on to the model."""
    try:
        result = run()
    except RunsElsewhere:
        return {"state": ELSEWHERE}
    except RequestError as error:
        return {"state": REFUSED, "reason": "; ".join(map(str, error.problems))}
    except RunFailed as error:
        teller.note(error.__cause__)
        return {"state": FAILED, "reason": error.reason, "folder": str(error.folder or "")}
    except (Exception, SystemExit) as error:
        if interruption.came():  # a library made another error of it
            raise KeyboardInterrupt from error
        if problem := problem_of(error):
            return {"state": FAILED, "reason": str(problem)}
        teller.note(error)
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"state": FAILED, "reason": f"{what} (a defect of Tunebook; please report it)"}
    fresh = getattr(result, "fresh", True)
    folder = str(getattr(result, "folder", ""))
    came_to = getattr(result, "came_to", "")
    return {"state": DONE if fresh else FINISHED_BEFORE, "folder": folder, "came_to": came_to}


def _give_memory_back() -> None:
    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()


OFTEN = 0.5  # seconds between two words on what a run is at


@dataclass
class Teller:
    """Hears one run, and writes what there is to say into its file."""

    scratch: Scratch
    outcome: Outcome
    began: float = field(default_factory=time.monotonic)
    last: float = 0.0

    def say(self, text: str) -> None:
        """A choice or warning, or how far training is; the view says what begins and ends."""
        if isinstance(text, Doing):
            self.doing(text)
        elif not isinstance(text, Frame):
            self.outcome.said.append(text)
            self.tell()

    def doing(self, text: str) -> None:
        """What the run is at."""
        self.outcome.doing = text
        if time.monotonic() - self.last >= OFTEN:
            self.tell()

    def end(self, **found: Any) -> None:
        """The run is over."""
        self.outcome = replace(self.outcome, doing="", **found)
        self.tell()

    def tell(self) -> None:
        """Write the file."""
        self.last = time.monotonic()
        self.outcome.seconds = round(self.last - self.began, 3)
        self.scratch.write(self.outcome)

    def note(self, error: BaseException | None) -> None:
        """Keep where an error came from."""
        if error is not None:
            self.scratch.note(self.outcome.number, error)
