"""How the plan of a sweep is handed to a launcher: phase by phase, and not too much at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from omegaconf import OmegaConf

from hydra_plugins.tunebook_sweeper import TunebookSweeper, cores
from tunebook.command.command import answer
from tunebook.events import Doing, Frame
from tunebook.sweep.job import Teller
from tunebook.sweep.scratch import DONE, ELSEWHERE, Outcome, Scratch


class Launcher:
    """Ends every run at once; `busy` says which are found in other hands at the first try."""

    def __init__(self, scratch: Scratch, busy: Sequence[int] = ()) -> None:
        self.scratch, self.busy = scratch, list(busy)
        self.launched: list[list[int]] = []

    def launch(self, runs: Sequence[Sequence[str]], initial_job_idx: int) -> None:
        numbers = [int(word.removeprefix("run=")) for (word,) in runs]
        assert initial_job_idx == sum(map(len, self.launched))
        self.launched.append(numbers)
        for number in numbers:
            state = ELSEWHERE if number in self.busy else DONE
            self.scratch.write(Outcome(number, state))
        self.busy = [number for number in self.busy if number not in numbers]


def launched(
    tmp_path: Path, phases: list[int], *, at_once: int, local: bool, busy: Sequence[int] = ()
) -> list[list[int]]:
    """The numbers of the runs that each call of the launcher gets."""
    scratch = Scratch.make(tmp_path, phases)
    sweeper: Any = TunebookSweeper(at_once=at_once)
    sweeper.config = OmegaConf.create({"hydra": {"sweep": {"dir": str(scratch.path)}}})
    sweeper.starts_all_at_once = local
    sweeper.launcher = Launcher(scratch, busy)
    sweeper.sweep([])
    assert scratch.why_the_launcher_gave_up() == ""
    return list(sweeper.launcher.launched)


def test_a_phase_begins_when_the_one_before_has_ended(tmp_path: Path) -> None:
    assert launched(tmp_path, [2, 3], at_once=2, local=False) == [[0, 1], [2, 3, 4]]


def test_what_another_process_runs_is_tried_again_before_the_next_phase(tmp_path: Path) -> None:
    found = launched(tmp_path, [3, 2], at_once=2, local=False, busy=[1, 4])
    assert found == [[0, 1, 2], [1], [3, 4], [4]]


def test_a_launcher_that_starts_all_it_gets_is_given_a_few_at_a_time(tmp_path: Path) -> None:
    assert launched(tmp_path, [5], at_once=2, local=True) == [[0, 1], [2, 3], [4]]
    assert launched(tmp_path, [2, 3], at_once=9, local=True) == [[0, 1], [2, 3, 4]]


def test_one_a_core_where_nothing_is_said() -> None:
    assert TunebookSweeper().at_once == cores() >= 1
    assert TunebookSweeper(at_once=3).at_once == 3


@pytest.mark.parametrize(("typed", "jobs"), [
    ([], cores()), (["hydra.sweeper.at_once=5"], 5), (["hydra.launcher.n_jobs=3"], 3),
])  # fmt: skip
def test_joblib_gets_a_limit_of_this_machine(
    typed: list[str], jobs: int, t5_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plugins.instance()  # loads the plugins: what is patched is what will be used
    plugin: Any = pytest.importorskip("hydra_plugins.hydra_joblib_launcher.joblib_launcher")
    seen = []

    def launch(self: Any, runs: Any, initial_job_idx: int) -> None:
        seen.append(self.joblib["n_jobs"])

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plugin.JoblibLauncher, "launch", launch)
    words = ["-m", "hydra/launcher=joblib", *typed, f"model.path={t5_folder}", "seed=0,1"]
    answer(words, lambda settings: None, "recipes.run")
    assert seen == [jobs]


def test_a_limit_that_is_no_number(t5_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["-m", "hydra.sweeper.at_once=few", f"model.path={t5_folder}", "seed=0,1"]
    assert answer(words, lambda settings: None, "recipes.run") == 2
    assert "hydra.sweeper.at_once=few: " in capsys.readouterr().err


def test_lines_are_told_by_their_kind_and_not_by_their_words(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [1])
    teller = Teller(scratch, Outcome(0))
    for line in ("task force", "step 1 of 9 is odd", "done in by hand", Frame("task qa"),
                 Doing("step 3 of 9"), Doing("reads")):  # fmt: skip
        teller.say(line)
    assert teller.outcome.said == ["task force", "step 1 of 9 is odd", "done in by hand"]
    assert teller.outcome.doing == "reads"
