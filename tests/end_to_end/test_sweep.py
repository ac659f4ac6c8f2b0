"""Sweeps as they are typed: one process or several, cut off, failing, in use by others."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from finished import finished
from hydra.core.plugins import Plugins

from recipes.run import one_run
from tunebook.command.command import answer
from tunebook.errors import Problem, RequestError, RunFailed, RunsElsewhere
from tunebook.settings import Settings

STEPS = ["training.max_steps=2", "training.batch_size=4", "decoding.max_new_tokens=4"]
RUNS = "outputs/*/*/*/*"


@pytest.fixture
def words(small_run: list[str]) -> list[str]:
    """A small sweep's words, but for what is swept."""
    return ["-m", *small_run, *STEPS]


def folders(outputs: Path = Path("outputs")) -> dict[str, Path]:
    """The run folders by method and seed."""
    found = {}
    for file in outputs.glob("*/*/*/*/settings.yaml"):
        seed = re.search(r"^seed: (\d+)", file.read_text(), re.MULTILINE)
        assert seed is not None
        found[f"{file.parts[-3]} {seed[1]}"] = file.parent
    return found


def state(folder: Path) -> str:
    """What status.json says."""
    return str(json.loads((folder / "status.json").read_text())["state"])


def test_one_table_at_the_end_and_the_base_loaded_once(
    words: list[str], capsys: pytest.CaptureFixture[str], loads: list[Any]
) -> None:
    code = answer([*words, "method=full,lora,zero_shot", "seed=0,1"], one_run, "recipes.run")
    shown, told = capsys.readouterr()
    assert code == 0, told
    assert len(loads) == 2  # the kept one serves the first `full`, which comes behind the others
    assert all(len(re.findall(rf"^{m} ", shown, re.MULTILINE)) == 1 for m in ("full", "lora"))
    assert "tunebook: 6 runs: 6 done" in told
    assert re.search(r"\[1/6\] method=lora seed=0: done in \d+ s; about \d+ s left", told)
    assert told.count("device cpu") == 1
    assert sorted(folders()) == ["full 0", "full 1", "lora 0", "lora 1", "zero_shot 0",
                                 "zero_shot 1"]  # fmt: skip
    assert not (Path("outputs") / ".sweeps").exists()


@pytest.mark.slow
def test_the_same_again_runs_nothing(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    swept = [*words, "method=lora", "method.r=1,2"]
    assert answer(swept, one_run, "recipes.run") == 0
    first = capsys.readouterr().out
    files = {file: file.stat().st_mtime_ns for file in Path("outputs").rglob("*.safetensors")}
    assert len(files) == 2
    assert answer(swept, one_run, "recipes.run") == 0
    shown, told = capsys.readouterr()
    assert shown == first
    assert "[2/2] method.r=2: finished before" in told
    assert "2 runs: 2 finished before" in told
    assert files == {file: file.stat().st_mtime_ns for file in Path("outputs").rglob("*.s*ensors")}


def test_goes_on_past_failures_and_names_them(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunebook.methods.prompt import PromptTuning

    original = PromptTuning.attach

    def full(self: Any, base: Any, settings: Settings, say: Any) -> Any:
        if settings.method.num_virtual_tokens == 5:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return original(self, base, settings, say)

    monkeypatch.setattr(PromptTuning, "attach", full)
    failing = [*words, "method=prompt", "method.num_virtual_tokens=3,5,4", "seed=0"]
    assert answer(failing, one_run, "recipes.run") == 1
    shown, told = capsys.readouterr()
    (reason,) = re.findall(r"^  method.num_virtual_tokens=5: (.*)$", told, re.MULTILINE)
    assert "allocate memory" in reason
    assert "Lower training.batch_size" in reason
    assert "3 runs: 2 done, 1 failed" in told
    row = next(line for line in shown.splitlines() if line.startswith(" failed: "))
    assert "prompt" in row
    assert "allocate" in shown
    (notes,) = Path("outputs/.sweeps").glob("*/1.traceback.txt")
    assert "RuntimeError" in notes.read_text()
    assert str(notes.resolve()) in told


@pytest.mark.slow
def test_a_failed_run_is_tried_again(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunebook.methods.lora import LoRA

    swept, original = [*words, "method=lora", "seed=0,1"], LoRA.attach

    def fails(self: Any, base: Any, settings: Settings, say: Any) -> Any:
        if settings.seed == 1:
            raise MemoryError
        return original(self, base, settings, say)

    with monkeypatch.context() as patch:
        patch.setattr(LoRA, "attach", fails)
        assert answer(swept, one_run, "recipes.run") == 1
    assert "seed=1: MemoryError: out of memory. Lower" in capsys.readouterr().err
    assert state(folders()["lora 1"]) == "failed"
    assert answer(swept, one_run, "recipes.run") == 0
    assert "2 runs: 1 finished before, 1 done" in capsys.readouterr().err
    assert state(folders()["lora 1"]) == "complete"


def test_a_defect_in_one_run_does_not_stop_the_others(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    ran = []

    def action(settings: Settings) -> None:
        ran.append(settings.seed)
        if settings.seed == 0:
            raise KeyError("x")
        if settings.seed == 1:
            sys.exit(3)

    assert answer([*words, "seed=0,1,2"], action, "recipes.run") == 1
    assert ran == [0, 1, 2]
    told = capsys.readouterr().err
    assert "seed=0: KeyError: 'x' (a defect of Tunebook; please report it)" in told
    assert "seed=1: SystemExit: 3" in told


def test_what_no_run_can_start_with_is_a_wrong_request(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def action(settings: Settings) -> None:
        raise RequestError(Problem("data.train", "holds no rows"))

    assert answer([*words, "seed=0,1"], action, "recipes.run") == 2
    told = capsys.readouterr().err
    assert "tunebook: 1 problem; nothing was run.\n  - data.train: holds no rows" in told
    assert list(Path().iterdir()) == []


def test_one_run_that_cannot_start_is_a_row(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def action(settings: Settings) -> object:
        if settings.seed == 1:
            raise RequestError(Problem("data.train", "holds no rows"))
        return one_run(settings)

    assert answer([*words, "method=lora", "seed=0,1"], action, "recipes.run") == 1
    shown, told = capsys.readouterr()
    assert re.search(r"failed: lora .*seed 1: data.train: holds no rows", shown)
    assert "seed=1: refused data.train: holds no rows" in told


def test_a_run_in_use_is_tried_once_more_at_the_end(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    tried = []

    def action(settings: Settings) -> None:
        tried.append(settings.seed)
        if settings.seed == 0 or (settings.seed == 1 and tried.count(1) == 1):
            raise RunsElsewhere(Problem("folder", "in use"))

    assert answer([*words, "seed=0,1,2"], action, "recipes.run") == 1
    assert tried == [0, 1, 2, 0, 1]
    told = capsys.readouterr().err
    assert "3 runs: 1 running elsewhere, 2 done" in told
    assert "\n  seed=0: running elsewhere" in told


@pytest.mark.slow
def test_a_folder_in_use_is_left_alone(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    swept = [*words, "method=lora", "seed=0,1"]
    assert answer(swept, one_run, "recipes.run") == 0
    used = folders()["lora 0"]
    (used / "status.json").write_text('{"state": "running", "error": null, "step": 0}')
    before = {file: file.stat().st_mtime_ns for file in used.rglob("*")}
    with FileLock(used / ".lock"):
        assert answer(swept, one_run, "recipes.run") == 1
        assert before == {file: file.stat().st_mtime_ns for file in before}
    assert "2 runs: 1 running elsewhere, 1 finished before" in capsys.readouterr().err


def test_a_single_setting_that_is_swept_is_a_column(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    swept = [*words, "method=prompt", "method.num_virtual_tokens=range(2,5,2)", "seed=0"]
    assert answer(swept, one_run, "recipes.run") == 0
    shown = capsys.readouterr().out
    assert "num_virtual_tokens" in shown
    assert re.search(r"prompt +(\S+ +)?2 ", shown)
    assert re.search(r"prompt +(\S+ +)?4 ", shown)


def test_a_dry_run_of_a_sweep_writes_nothing(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer([*words, "method=lora,prompt", "dry_run=true"], one_run, "recipes.run") == 0
    shown, told = capsys.readouterr()
    assert shown == ""
    assert told.count("dry run: nothing was written") == 2
    assert "2 dry runs: 2 done" in told
    assert not Path("outputs").exists()


@pytest.mark.slow
def test_a_dry_run_beside_finished_runs_shows_and_writes_no_table(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer([*words, "method=lora,zero_shot"], one_run, "recipes.run") == 0
    Path("outputs/report.html").write_text("theirs")
    capsys.readouterr()
    assert answer([*words, "method=lora,zero_shot", "dry_run=true"], one_run, "recipes.run") == 0
    assert capsys.readouterr().out == ""
    assert Path("outputs/report.html").read_text() == "theirs"


def test_a_recipe_of_ones_own_is_part_of_every_run(words: list[str], tmp_path: Path) -> None:
    recipe = tmp_path / "elsewhere" / "mine.yaml"
    recipe.parent.mkdir()
    recipe.write_text("defaults:\n  - override /method: lora\n  - _self_\nmethod:\n  r: 3\n")
    ranks = []

    def action(settings: Settings) -> None:
        ranks.append(settings.method.r)  # type: ignore[attr-defined]

    model = next(word for word in words if word.startswith("model.path="))
    swept = ["-m", f"recipe={recipe}", model, "seed=0,1"]
    assert answer(swept, action, "recipes.run") == 0
    assert ranks == [3, 3]
    assert not (tmp_path / "outputs" / ".sweeps").exists()
    assert answer(swept, action, "recipes.run") == 0  # the recipe is still known
    assert ranks == [3, 3, 3, 3]


def test_ctrl_c_ends_the_sweep(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    ran = []

    def action(settings: Settings) -> None:
        ran.append(settings.seed)
        raise KeyboardInterrupt

    assert answer([*words, "seed=0,1"], action, "recipes.run") == 130
    assert ran == [0]
    assert "tunebook: interrupted; the same command continues" in capsys.readouterr().err
    assert not Path("outputs").exists()


def sweep_of(words: list[str], *more: str) -> list[str]:
    """The command line of a sweep in a process of its own."""
    return [sys.executable, "-m", "recipes.run", *words, *more]


@pytest.mark.slow
def test_kill_9_in_the_middle_then_the_same_command(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "90")  # too few for times beside scores
    more = ["method=lora,prompt", "seed=0,1", "training.eval_steps=10"]
    words = [word for word in words if "max_steps" not in word] + ["training.max_steps=120", *more]
    killed = subprocess.Popen(sweep_of(words), stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    second = f"{RUNS}/checkpoints/checkpoint-*/trainer_state.json"
    while not (list(Path().glob(second)) and finished(RUNS)):
        assert killed.poll() is None, killed.stderr.read() if killed.stderr else ""
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = finished(RUNS)
    assert 0 < len(done) < 4
    again = subprocess.run(sweep_of(words), capture_output=True, text=True, check=True)
    assert f"4 runs: {len(done)} finished before, {4 - len(done)} done" in again.stderr
    assert "resuming from step" in again.stderr
    assert done == {path: path.stat().st_mtime_ns for path in done}
    whole = subprocess.run(sweep_of(words, "outputs=whole"), capture_output=True, text=True,
                           check=True)  # fmt: skip
    assert scores(again.stdout) == scores(whole.stdout)
    assert weights(Path("outputs")) == weights(Path("whole"))


EIGHTEEN = [
    "-m", "task=translate,summarize", "method=prompt,prefix,lora", "seed=0,1,2",
    "training.max_steps=10", "data.limit.train=60", "data.limit.validation=10",
    "data.limit.test=10", "decoding.max_new_tokens=16",
]  # fmt: skip


@pytest.mark.slow
def test_eighteen_runs_with_and_without_a_kill_9_end_in_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The embedded default: two tasks, three methods, three seeds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "90")
    killed = subprocess.Popen(sweep_of(EIGHTEEN), stderr=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL)  # fmt: skip
    while len(finished(RUNS)) < 7:
        assert killed.poll() is None
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    done = finished(RUNS)
    again = subprocess.run(sweep_of(EIGHTEEN), capture_output=True, text=True, check=True)
    assert f"18 runs: {len(done)} finished before, {18 - len(done)} done" in again.stderr
    assert done == {path: path.stat().st_mtime_ns for path in done}
    whole = subprocess.run(sweep_of(EIGHTEEN, "outputs=whole"), capture_output=True, text=True,
                           check=True)  # fmt: skip
    tables = [grids(done.stdout) for done in (again, whole)]
    assert tables[0] == tables[1]
    assert [len(table) for table in tables[0]] == [5, 5]
    assert weights(Path("outputs"), 18) == weights(Path("whole"), 18)


def grids(shown: str) -> list[list[str]]:
    """The grid of each task that holds no times: method, score, verdict."""
    blocks = [block.splitlines() for block in shown.split("\n\n")]
    return [rows for rows in blocks if rows and rows[0].startswith("method") and "gain" in rows[0]]


def scores(shown: str) -> list[str]:
    """The lines of the first grid, which holds no times: method, score, verdict."""
    lines = shown.split("\n\n")[1].splitlines()
    assert lines[0].split()[0] == "method"
    assert len(lines) == 4
    assert "training" not in lines[0]
    return lines


def weights(outputs: Path, runs: int = 4) -> dict[str, bytes]:
    """What each run has trained."""
    files = outputs.rglob("adapter_model.safetensors")
    found = {str(file.relative_to(outputs)): file.read_bytes() for file in files}
    assert len(found) == runs
    return found


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_other_launchers(launcher: str, words: list[str]) -> None:
    package = "hydra_joblib_launcher" if launcher == "joblib" else "hydra_submitit_launcher"
    pytest.importorskip(f"hydra_plugins.{package}")
    words += ["method=prompt"]
    assert answer([*words, "method.num_virtual_tokens=3"], one_run, "recipes.run") == 0
    (folder,) = {file.parent for file in Path().glob(f"{RUNS}/status.json")}
    shutil.rmtree(folder)
    (folder / "history.jsonl").mkdir(parents=True)  # in the way of what training writes
    two = [f"hydra/launcher={launcher}", "method.num_virtual_tokens=1,2,3"]
    if launcher == "joblib":
        two.append("hydra.launcher.n_jobs=2")
    done = subprocess.run(sweep_of(words, *two), capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "3 runs: 2 done, 1 failed" in done.stderr
    assert "\n  method.num_virtual_tokens=3: " in done.stderr
    assert "Traceback" not in done.stderr
    assert re.search(r"^prompt +1 ", done.stdout, re.MULTILINE)
    states = [state(file.parent) for file in Path("outputs").glob("*/*/*/*/status.json")]
    assert sorted(states) == ["complete", "complete", "failed"]


SLURM = {
    "sbatch": """\
#!/bin/bash
for script; do :; done
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
grep -q -- '--partition=test' "$script" || exit 1
export SLURM_JOB_ID=$$ SLURM_NTASKS=1 SLURM_JOB_NUM_NODES=1 SLURM_NODEID=0 SLURM_PROCID=0
export SLURM_LOCALID=0 SLURM_JOB_NODELIST=here
(
  if [ -z "$last" ]; then bash "$script"; exit; fi
  for task in $(seq 0 "$last"); do
    SLURM_ARRAY_JOB_ID=$$ SLURM_ARRAY_TASK_ID=$task bash "$script"
  done
) >/dev/null 2>&1 &
echo "Submitted batch job $$"
""",
    "srun": """\
#!/bin/bash
while [[ $1 == -* ]]; do [[ $1 == *=* || $1 == --unbuffered ]] || shift; shift; done
"$@"
""",
    "sacct": "#!/bin/bash\necho 'JobID|State|NodeList'\n",
}
"""Stand-ins for Slurm's commands: one machine, one job after the other."""


@pytest.mark.slow
def test_slurm_by_stand_ins(
    words: list[str], tmp_path: Path, t5_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The jobs are submitted, find their recipe and settings, and come back into one table."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in SLURM.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}:{os.environ['PATH']}")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("defaults:\n  - override /method: lora\n  - _self_\nmethod:\n  r: 3\n")
    words = [word for word in words if not word.startswith("task=")]
    slurm = ["hydra/launcher=submitit_slurm", "hydra.launcher.partition=test"]
    more = [f"recipe={recipe}", "seed=0,1", "tune=2", *slurm]
    done = subprocess.run(sweep_of(words, *more), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "2 trials: 2 done" in done.stderr
    assert "2 runs: 2 done" in done.stderr
    assert sorted(folders()) == ["lora 0", "lora 1"]
    assert not Path("outputs/.sweeps").exists()


def test_a_launcher_that_gives_up_leaves_no_run_unnamed(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Plugins.instance()  # loads the plugins: what is patched is what will be used
    plugin: Any = pytest.importorskip("hydra_plugins.hydra_joblib_launcher.joblib_launcher")

    def gives_up(*_: Any, **__: Any) -> None:
        raise OSError("no node is free")

    monkeypatch.setattr(plugin.JoblibLauncher, "launch", gives_up)
    swept = [*words, "hydra/launcher=joblib", "seed=0,1"]
    assert answer(swept, lambda settings: None, "recipes.run") == 1
    told = capsys.readouterr().err
    assert "seed=0: did not begin" in told
    (note,) = Path("outputs/.sweeps").glob("*/launcher.txt")
    assert "no node is free" in note.read_text()
    assert "no node is free" in told


def test_a_failure_is_told_once_where_a_run_fails(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    def action(settings: Settings) -> None:
        raise RunFailed("the disk is full")

    assert answer([*words, "seed=0,1"], action, "recipes.run") == 1
    told = capsys.readouterr().err
    assert told.count("[1/2] seed=0: failed: the disk is full") == 1
    assert told.count("  seed=1: the disk is full") == 1
