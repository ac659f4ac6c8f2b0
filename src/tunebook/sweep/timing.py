"""How long the rest of a sweep takes, from the runs that are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean

from tunebook.sweep.scratch import DONE, RUNNING, Outcome


class Timing:
    """Estimates from runs that are alike, else from all.

    alike: for each run a value that is the same for runs that take about the same time.
    """

    def __init__(self, alike: Sequence[object]) -> None:
        self.alike = alike

    def left(self, outcomes: Mapping[int, Outcome]) -> float:
        """Seconds until the last run ends, if as many go on at once as now; 0 while unknown."""
        done = [one for one in outcomes.values() if one.state == DONE]
        if not done:
            return 0.0
        running = [one for one in outcomes.values() if one.state == RUNNING]
        waiting = [number for number in range(len(self.alike)) if number not in outcomes]
        work = sum(self._expected(number, done) for number in waiting)
        work += sum(max(0.0, self._expected(one.number, done) - one.seconds) for one in running)
        return work / max(1, len(running))

    def _expected(self, number: int, done: Sequence[Outcome]) -> float:
        like = [one.seconds for one in done if self.alike[one.number] == self.alike[number]]
        return mean(like or [one.seconds for one in done])
