"""Cleaning up: nothing by default, whole runs of ours alone, and never one that is running."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from recipes import compose
from recipes.book import main
from tunebook.runs.files import write_json

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def made_run(task: str, method: str, number: int, *, state: str = "complete", days: float = 0.0,
             size: int = 100) -> Path:  # fmt: skip
    """A run folder as a run leaves it, last written so many days ago."""
    folder = Path("outputs", task, "tiny_t5", method, f"default-{number:010x}")
    folder.mkdir(parents=True)
    settings = dataclasses.asdict(compose(f"task={task}", f"method={method}"))
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    write_json(folder / "status.json", {"state": state, "error": None, "step": 3})
    (folder / "adapter").mkdir()
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"x" * size)
    for file in folder.rglob("*"):
        os.utime(file, (time.time() - days * 86400,) * 2)
    return folder


def there(*runs: Path) -> list[bool]:
    return [run.exists() for run in runs]


def test_nothing_is_removed_unless_asked(capsys: Capture) -> None:
    run = made_run("qa", "lora", 1)
    assert main(["clean"]) == 0
    said = capsys.readouterr().out
    assert str(run) in said
    assert "nothing was removed" in said
    assert there(run) == [True]


def test_remove_alone_does_not_say_what(capsys: Capture) -> None:
    run = made_run("qa", "lora", 1)
    assert main(["clean", "--remove"]) == 2
    assert "does not say what" in capsys.readouterr().err
    assert there(run) == [True]


def made_trial(number: int, **more: object) -> Path:
    """A trial of a search, as it is left."""
    run = made_run("qa", "lora", number, **more)  # type: ignore[arg-type]
    trial = run.parent / ".trials" / f"{number:010x}"
    trial.parent.mkdir(exist_ok=True)
    return run.rename(trial)


def test_trials_are_told_and_removed_when_asked_for(capsys: Capture) -> None:
    run, old, new = made_run("qa", "lora", 1, days=9), made_trial(2, days=9), made_trial(3)
    assert main(["clean"]) == 0
    said = capsys.readouterr().out
    assert "1 run," in said
    assert "beside them 2 trials of searches" in said
    assert main(["clean", "--all", "--older-than", "2d", "--trials", "--remove"]) == 0
    assert "removed 1 trial," in capsys.readouterr().out
    assert there(run, old, new) == [True, False, True]


def test_folders_that_held_nothing_but_trials_go_with_them() -> None:
    trial = made_trial(4)
    assert main(["clean", "--all", "--trials", "--remove"]) == 0
    assert not trial.parents[3].exists()
    assert Path("outputs").exists()


PICKS = [
    (["task=qa"], [False, False, True]),
    (["method=prompt,full"], [True, False, True]),
    (["state=failed"], [True, False, True]),
    (["--older-than", "9d"], [False, True, False]),
    (["task=q*", "--older-than=1w"], [False, True, True]),
    (["--larger-than", "5kB"], [True, True, False]),
    (["--all"], [False, False, False]),
]


@pytest.mark.parametrize(("words", "left"), PICKS)
def test_what_is_picked_is_removed(words: list[str], left: list[bool], capsys: Capture) -> None:
    runs = (made_run("qa", "lora", 1, days=10), made_run("qa", "prompt", 2, state="failed"),
            made_run("translate", "lora", 3, days=10, size=9000))  # fmt: skip
    assert main(["clean", *words, "--remove"]) == 0
    assert there(*runs) == left
    assert f"removed {left.count(False)} run" in capsys.readouterr().out


def test_a_run_by_its_folder_with_the_empty_folders_above_it() -> None:
    one, other = made_run("qa", "lora", 1), made_run("translate", "lora", 2)
    assert main(["clean", str(one), "--remove"]) == 0
    assert there(one, other) == [False, True]
    assert main(["clean", "task=translate", "--remove"]) == 0
    assert sorted(path.name for path in Path().iterdir()) == ["outputs"]
    assert list(Path("outputs").iterdir()) == []


def test_a_running_run_stays(capsys: Capture) -> None:
    run = made_run("qa", "lora", 1, state="running")
    with FileLock(run / ".lock"):
        assert main(["clean", "--all", "--remove"]) == 1
    said = capsys.readouterr().out
    assert "running" in said
    assert "is running" in said
    assert there(run, run / "adapter" / "adapter_model.safetensors") == [True, True]


def test_an_interrupted_run_with_a_lock_left_behind_can_go() -> None:
    run = made_run("qa", "lora", 1, state="running")
    (run / ".lock").touch()
    assert main(["clean", "state=interrupted", "--remove"]) == 0
    assert there(run) == [False]


def test_a_folder_with_a_file_of_somebody_else_stays(capsys: Capture) -> None:
    run = made_run("qa", "lora", 1)
    (run / "notes.txt").write_text("mine")
    assert main(["clean", "--all", "--remove"]) == 1
    assert "holds notes.txt, which no run made" in capsys.readouterr().out
    assert (run / "notes.txt").read_text() == "mine"
    assert (run / "settings.yaml").exists()


def test_folders_that_are_no_runs_stay(capsys: Capture) -> None:
    look_alike = Path("outputs/project-0123456789")
    look_alike.mkdir(parents=True)
    (look_alike / "settings.yaml").write_text("name: of something else\n")
    named = made_run("qa", "lora", 1).rename("outputs/my-run")
    Path("outputs/data.csv").write_text("a,b")
    assert main(["clean", "--all", "--remove"]) == 1
    assert there(look_alike, named, Path("outputs/data.csv")) == [True, True, True]


def test_what_a_link_points_to_stays() -> None:
    run = made_run("qa", "lora", 1)
    Path("precious").mkdir()
    Path("precious/file").write_text("x")
    (run / "adapter" / "link").symlink_to(Path("precious").resolve())
    assert main(["clean", "--all", "--remove"]) == 0
    assert there(run, Path("precious/file")) == [False, True]


def test_kept_answers_go_only_when_named() -> None:
    run = made_run("qa", "lora", 1)
    answers = Path("outputs/.before")
    answers.mkdir()
    for name in ("0123456789.json", "mine.json"):
        (answers / name).write_text("{}")
    main(["clean", "--all", "--remove"])
    assert there(run, answers / "0123456789.json") == [False, True]
    assert main(["clean", "--kept-answers", "--remove"]) == 0
    assert there(answers / "0123456789.json", answers / "mine.json") == [False, True]


WRONG = [
    (["--older-than", "soon"], "is no amount"),
    (["--larger-than", "5 apples"], "is no amount"),
    (["tasks=qa"], "no run has such a setting"),
    (["nowhere"], "there is no such folder"),
    (["--removed"], "Did you mean --remove?"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_a_wrong_request_removes_nothing(words: list[str], said: str, capsys: Capture) -> None:
    run = made_run("qa", "lora", 1)
    assert main(["clean", *words, "--remove"]) == 2
    assert said in capsys.readouterr().err
    assert there(run) == [True]


def test_no_outputs_at_all(capsys: Capture) -> None:
    assert main(["clean"]) == 0
    assert "0 runs" in capsys.readouterr().out
