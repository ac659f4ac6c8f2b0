"""What is shown of a sweep, from the files of its scratch folder alone."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from tunebook.sweep.scratch import DONE, FAILED, FINISHED_BEFORE, RUNNING, Outcome, Scratch
from tunebook.sweep.view import View

LABELS = ["seed=0", "seed=1", "seed=2", "[bold]x"]


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch.make(tmp_path, [len(LABELS)])


def told(scratch: Scratch, *outcomes: Outcome, view: View | None = None) -> list[str]:
    """The lines that these files bring forth where there is no terminal."""
    view = view or View(scratch, LABELS, LABELS)
    written = io.StringIO()
    view.console = Console(file=written, soft_wrap=True)
    for outcome in outcomes:
        scratch.write(outcome)
        view.look()
        view.look()
    return written.getvalue().splitlines()


def test_a_line_where_a_run_begins_and_one_where_it_ends(scratch: Scratch) -> None:
    assert told(
        scratch, Outcome(0, RUNNING, doing="step 0 of 9"), Outcome(0, RUNNING, doing="step 1"),
        Outcome(0, DONE, seconds=10), Outcome(1, FAILED, reason="no memory"),
        Outcome(2, FINISHED_BEFORE),
    ) == [
        "[1/4] seed=0: begins", "[1/4] seed=0: done in 10 s; about 30 s left",
        "[2/4] seed=1: failed: no memory",
        "[3/4] seed=2: finished before",
    ]  # fmt: skip


def test_a_choice_is_told_where_it_is_new(scratch: Scratch) -> None:
    lines = told(
        scratch, Outcome(0, RUNNING, said=["  dtype float32 (CPU)"]),
        Outcome(1, RUNNING, said=["  dtype float32 (CPU)", "[warning] odd"]),
        Outcome(2, RUNNING, said=["  dtype float32 (CPU)"]),
    )  # fmt: skip
    assert lines == ["[1/4] seed=0: begins", "[1/4] dtype float32 (CPU)", "[2/4] seed=1: begins",
                     "[2/4] [warning] odd"]  # fmt: skip


def test_a_half_written_file_is_passed_over(scratch: Scratch) -> None:
    (scratch.path / "0.json").write_text('{"number": 0, "st')
    assert told(scratch, Outcome(1, RUNNING, doing="step 1 of 9")) == ["[2/4] seed=1: begins"]


def test_the_live_view_shows_what_runs_how_far_it_is_and_what_is_left(scratch: Scratch) -> None:
    view = View(scratch, LABELS, LABELS)
    written = io.StringIO()
    view.console = Console(file=written, force_terminal=True, width=70, color_system=None)
    for outcome in (Outcome(0, DONE, seconds=60), Outcome(1, FAILED, reason="no memory"),
                    Outcome(3, RUNNING, doing="step 5 of 9: " + "x" * 90)):  # fmt: skip
        scratch.write(outcome)
    view.look()
    assert written.getvalue().splitlines() == ["[2/4] seed=1: failed: no memory"]
    with view.console.capture() as captured:
        view.console.print(view._now())
    bar, line = captured.get().splitlines()
    assert "2 of 4 runs, 1 failed, about 2 min left" in bar
    assert line.startswith("[4/4] [bold]x  step 5 of 9: xxx")
    assert len(line) == 70


def test_the_scratch_folder_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path / "outputs", [1])
    scratch.remove(tmp_path / "outputs")
    assert list(tmp_path.iterdir()) == []
    scratch = Scratch.make(tmp_path / "outputs", [1])
    (tmp_path / "outputs" / "run").mkdir()
    scratch.remove(tmp_path / "outputs")
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == ["run"]
