"""Workers end with the process that started the sweep; what killed sweeps left is removed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tunebook.sweep import starter
from tunebook.sweep.scratch import PLAN, Scratch, remove_killed


def ended_process() -> dict[str, Any]:
    """What tells a process that is over."""
    done = subprocess.Popen(["true"])
    done.wait()
    return {**starter.this_process(), "pid": done.pid}


def test_this_process_has_not_ended() -> None:
    assert not starter.has_ended(starter.this_process())


def test_a_process_that_is_over_has_ended() -> None:
    assert starter.has_ended(ended_process())


def test_another_process_of_the_same_number_is_another() -> None:
    assert starter.has_ended({**starter.this_process(), "began": 1.0})


def test_of_another_machine_nothing_is_known() -> None:
    assert not starter.has_ended({**ended_process(), "host": "another"})


def test_the_starter_itself_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    watched: list[Any] = []
    monkeypatch.setattr(starter, "_watch", lambda *words: watched.append(words))
    starter.end_with(starter.this_process())
    starter.end_with({**starter.this_process(), "host": "another", "pid": 1})
    assert watched == []
    starter.end_with({**starter.this_process(), "pid": 1})
    assert len(watched) == 1


def killed(outputs: Path, name: str) -> Scratch:
    scratch = Scratch.make(outputs, [1])
    scratch.path.rename(scratch.path.with_name(name))
    moved = Scratch(scratch.path.with_name(name))
    plan = json.loads((moved.path / PLAN).read_text())
    (moved.path / PLAN).write_text(json.dumps({**plan, "starter": ended_process()}))
    return moved


def test_only_what_killed_sweeps_left_is_removed(tmp_path: Path) -> None:
    goes, stays = killed(tmp_path, "killed"), killed(tmp_path, "ended")
    stays.keep()
    at_work, foreign = Scratch.make(tmp_path, [1]), tmp_path / ".sweeps" / "mine"
    foreign.mkdir()
    (foreign / PLAN).write_text("{")
    assert remove_killed(tmp_path) == 1
    left = {folder.name for folder in (tmp_path / ".sweeps").iterdir()}
    assert left == {"ended", "mine", at_work.path.name}
    assert not goes.path.exists()


def test_nothing_is_left_of_the_only_one(tmp_path: Path) -> None:
    killed(tmp_path, "killed")
    assert remove_killed(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []
    assert remove_killed(tmp_path / "none") == 0


WORKER = """
import signal, sys, time
from pathlib import Path
from tunebook.sweep.scratch import Scratch
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
Scratch(Path(sys.argv[1])).end_with_its_starter()
print("ready", flush=True)
try:
    while True:
        time.sleep(0.1)
except KeyboardInterrupt:
    Path(sys.argv[1], "interrupted").touch()
"""
STARTER = """
import subprocess, sys, time
from pathlib import Path
from tunebook.sweep.scratch import Scratch
scratch = Scratch.make(Path(sys.argv[1]), [1])
code = [sys.executable, "-c", sys.argv[2], str(scratch.path)]
between = f"import subprocess; subprocess.run({code!r})"  # as a launcher's controller does
subprocess.Popen([sys.executable, "-c", between])
time.sleep(60)
"""


def test_a_worker_behind_a_controller_ends_when_the_sweep_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path), WORKER]
    begun = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert begun.stdout is not None
    assert begun.stdout.readline() == "ready\n"
    workers = psutil.Process(begun.pid).children(recursive=True)
    os.kill(begun.pid, signal.SIGKILL)
    begun.wait()
    _, left = psutil.wait_procs(workers, timeout=20)
    for one in left:
        one.kill()
    assert not left
    assert len(list(tmp_path.glob(".sweeps/*/interrupted"))) == 1
    assert remove_killed(tmp_path) == 1
