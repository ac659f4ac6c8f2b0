"""Lets Hydra's launcher run the plan of a sweep, which `tunebook.sweep.running` has written.

Hydra loads this file under no name that dataclasses could look annotations up in: they stay types.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict

JOBLIB, LOCAL = "hydra_joblib_launcher", "LocalLauncher"


@dataclass
class TunebookSweeperConf:
    """What `hydra.sweeper.KEY=…` sets."""

    _target_: str = "hydra_plugins.tunebook_sweeper.TunebookSweeper"
    at_once: int | None = None


ConfigStore.instance().store(
    group="hydra/sweeper", name="tunebook", node=TunebookSweeperConf, provider="tunebook"
)


QUIET = {"incremental": True}
"""Logging stays as the program has set it up: anything else closes others' handlers."""
ConfigStore.instance().store(
    name="tunebook_sweep",
    node={
        "defaults": [
            "_self_",
            {"override hydra/sweeper": "tunebook"},
            {"override hydra/job_logging": "disabled"},
            {"override hydra/hydra_logging": "disabled"},
        ],
        "run": 0,
        "hydra": {
            "hydra_logging": QUIET,
            "job_logging": QUIET,
            "output_subdir": None,
            "run": {"dir": "."},
            "sweep": {"dir": ".", "subdir": "."},
        },
    },
    provider="tunebook",
)


class TunebookSweeper(Sweeper):
    """Every run of the plan, in its order; then once more those that another process was running.

    A phase of the plan begins when all runs of the one before it have ended. Runs may depend on
    nothing but their words and what earlier phases left: a launcher may start them in any process.

    at_once: how many run at the same time on this machine; None: one a processor core. A launcher
    that hands runs to other machines has a limit of its own.
    """

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = max(1, at_once or cores())

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Called by Hydra before `sweep`."""
        self.config = config
        self.starts_all_at_once = str(config.hydra.launcher._target_).endswith(LOCAL)
        if JOBLIB in config.hydra.launcher._target_:
            self._limit_joblib(config)
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def _limit_joblib(self, config: DictConfig) -> None:
        """Its own default is ten, whatever the machine."""
        typed = [word for word in config.hydra.overrides.hydra if "launcher.n_jobs=" in word]
        if typed:
            self.at_once = config.hydra.launcher.n_jobs
        with open_dict(config.hydra.launcher):
            config.hydra.launcher.n_jobs = self.at_once

    def sweep(self, arguments: list[str]) -> None:
        """Called by Hydra, once."""
        from tunebook.sweep.launch import in_phases
        from tunebook.sweep.scratch import Scratch

        assert self.config is not None
        scratch, self._launched = Scratch(Path(self.config.hydra.sweep.dir)), 0
        try:
            in_phases(scratch, self._launch)
        except Exception as error:  # of the launcher: a run's own errors stay with the run
            scratch.note_launcher(error)

    def _launch(self, numbers: Sequence[int]) -> None:
        assert self.launcher is not None
        size = self.at_once if self.starts_all_at_once else len(numbers)
        for first in range(0, len(numbers), max(1, size)):
            some = [[f"run={number}"] for number in numbers[first : first + size]]
            self.launcher.launch(some, initial_job_idx=self._launched)
            self._launched += len(some)


def cores() -> int:
    """The processor cores that this process may use."""
    there = getattr(os, "sched_getaffinity", None)
    return len(there(0)) if there else os.cpu_count() or 1
