"""Who runs the runs of a sweep: this process, one after the other, or a launcher of Hydra's."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tunebook.request.launcher import asks_for_launcher
from tunebook.request.words import quoted
from tunebook.sweep.job import Job
from tunebook.sweep.scratch import ELSEWHERE, Scratch


def launch(job: Job, scratch: Scratch, words: Sequence[str]) -> None:
    """Run every run of the plan. words: those for Hydra, which starts only for a launcher.

    A launcher gets the numbers of the runs; their settings stand in the scratch folder.
    """
    if asks_for_launcher(words):
        _by_hydra(job, scratch, words)
    else:
        in_phases(scratch, lambda numbers: list(map(job, numbers)))


def in_phases(scratch: Scratch, start: Callable[[Sequence[int]], object]) -> None:
    """Phase by phase, each in its order; then once more the runs that another process was at."""
    for phase in scratch.phases():
        start(phase)
        known = scratch.read()
        busy = [number for number in phase
                if number in known and known[number].state == ELSEWHERE]  # fmt: skip
        if busy:
            start(busy)


def _by_hydra(job: Job, scratch: Scratch, words: Sequence[str]) -> None:
    from hydra import initialize
    from hydra.core.global_hydra import GlobalHydra

    from tunebook.request.composition import LAUNCHED, VERSION_BASE

    overrides = [*words, f"hydra.sweep.dir={quoted(str(scratch.path))}"]
    with initialize(config_path=None, version_base=VERSION_BASE):
        hydra = GlobalHydra.instance().hydra
        assert hydra is not None
        hydra.multirun(LAUNCHED, job.launched, overrides, with_log_configuration=False)
