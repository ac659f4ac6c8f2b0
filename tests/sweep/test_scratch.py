"""The plan of a sweep in its scratch folder: phases that follow one another."""

from __future__ import annotations

from pathlib import Path

from tunebook.sweep.scratch import Scratch


def test_one_phase_where_none_are_given(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [["a"], ["b"]])
    assert scratch.plan() == [["a"], ["b"]]
    assert scratch.phases() == [range(2)]


def test_phases_follow_one_another(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [["a"], ["b"], ["c"]], [2, 1])
    assert scratch.phases() == [range(2), range(2, 3)]
