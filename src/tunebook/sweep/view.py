"""What a person sees while a sweep runs: one live view, or lines where there is no terminal."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType

from rich.console import Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from tunebook import terminal
from tunebook.counting import in_words
from tunebook.sweep.scratch import DONE, ELSEWHERE, FINISHED_BEFORE, RUNNING, Outcome, Scratch
from tunebook.sweep.timing import Timing

EVERY = 0.4  # seconds between two looks at the files
MOST_SHOWN = 8


class View(AbstractContextManager["View"]):
    """Follows a sweep's scratch folder until it is left.

    labels: what each run is, in few words; alike: runs of which one tells how long another takes.
    """

    def __init__(self, scratch: Scratch, labels: Sequence[str], alike: Sequence[object]) -> None:
        self.scratch, self.labels = scratch, labels
        self.console = terminal.console(stderr=True, soft_wrap=True)
        self.timing = Timing(alike)
        self.outcomes: Mapping[int, Outcome] = {}
        self._told: dict[int, str] = {}
        self._begun: set[int] = set()
        self._said: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._live: AbstractContextManager[object] = nullcontext()
        if self.console.is_terminal:
            self._live = Live(console=self.console, get_renderable=self._now, transient=True,
                              refresh_per_second=4)  # fmt: skip

    def __enter__(self) -> View:
        self._live.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._stop.set()
        self._thread.join()
        self.look()
        self._live.__exit__(kind, error, trace)

    def _follow(self) -> None:
        while not self._stop.wait(EVERY):
            self.look()

    def look(self) -> None:
        """Read the files, and tell what is new."""
        self.outcomes = self.scratch.read()
        for outcome in self.outcomes.values():
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        """A line where a run is at work, for each choice that no run has told before, and where it
        ends. On a terminal the live view shows what runs and what is done."""
        new = [line for line in dict.fromkeys(outcome.said) if line not in self._said]
        self._said.update(new)
        if (new or outcome.doing) and outcome.number not in self._begun:
            self._begun.add(outcome.number)
            if not self.console.is_terminal:
                self._print(outcome, "begins")
        for line in new:
            self.console.print(Text(f"{self._place(outcome)} {line.strip()}", style="dim"))
        known, self._told[outcome.number] = self._told.get(outcome.number), outcome.state
        seen_live = self.console.is_terminal and outcome.is_well
        if outcome.state not in (known, RUNNING) and not seen_live:
            self._print(outcome, self._words(outcome))

    def _words(self, outcome: Outcome) -> str:
        if outcome.state == DONE:
            left = self.timing.left(self.outcomes)
            about = f"; about {in_words(left)} left" if left else ""
            return f"done in {in_words(outcome.seconds)}{_result(outcome)}{about}"
        if outcome.state in (FINISHED_BEFORE, ELSEWHERE):
            return f"{outcome.state}{_result(outcome)}"
        return f"{outcome.state}: {outcome.reason}"

    def _print(self, outcome: Outcome, words: str) -> None:
        text = f"{self._place(outcome)} {self.labels[outcome.number]}: {words}"
        bad = outcome.reason and words.endswith(outcome.reason)
        self.console.print(Text(text, style="bold" if bad else ""))

    def _place(self, outcome: Outcome) -> str:
        return f"[{outcome.number + 1}/{len(self.labels)}]"

    def _now(self) -> RenderableType:
        """The live view: a bar for the sweep, a line for each run that is at work."""
        ended = [one for one in self.outcomes.values() if one.state != RUNNING]
        running = [one for one in self.outcomes.values() if one.state == RUNNING]
        lines = [self._line(one) for one in running[:MOST_SHOWN]]
        if more := running[MOST_SHOWN:]:
            lines.append(Text(f"and {len(more)} more", style="dim"))
        return Group(self._bar(ended), *lines)

    def _bar(self, ended: Sequence[Outcome]) -> RenderableType:
        failed = sum(not one.is_well for one in ended)
        left = self.timing.left(self.outcomes)
        parts = [f"{len(ended)} of {len(self.labels)} runs"]
        parts += [f"{failed} failed"] if failed else []
        parts += [f"about {in_words(left)} left"] if left else []
        row = Table.grid(padding=(0, 1))
        row.add_row(ProgressBar(len(self.labels), len(ended), width=30), Text(", ".join(parts)))
        return row

    def _line(self, outcome: Outcome) -> Text:
        text = f"{self._place(outcome)} {self.labels[outcome.number]}  {outcome.doing or 'loads'}"
        return Text(text, no_wrap=True, overflow="ellipsis")


def _result(outcome: Outcome) -> str:
    return f", {outcome.came_to}" if outcome.came_to else ""
