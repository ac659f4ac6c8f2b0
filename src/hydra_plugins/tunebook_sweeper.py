"""Lets Hydra's launcher run the plan of a sweep, which `recipes.sweep` has written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


class TunebookSweeper(Sweeper):
    """Every run of the plan, in its order; then once more those that another process was running.

    Runs may depend on nothing but their words: a launcher may start them in any process.
    """

    def __init__(self, **unused: Any) -> None:
        """Hydra gives the options of its own sweeper, which have no meaning for a plan."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `sweep`."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Called by Hydra, once."""
        from tunebook.sweep.scratch import ELSEWHERE, Scratch

        assert self.config is not None
        scratch = Scratch(Path(self.config.hydra.sweep.dir))
        plan = scratch.plan()
        try:
            self._launch(plan, 0)
            busy = [one.number for one in scratch.read().values() if one.state == ELSEWHERE]
            self._launch([plan[number] for number in busy], len(plan))
        except Exception as error:  # of the launcher: a run's own errors stay with the run
            scratch.note_launcher(error)

    def _launch(self, runs: Sequence[Sequence[str]], first: int) -> None:
        assert self.launcher is not None
        if runs:
            self.launcher.launch(runs, initial_job_idx=first)
