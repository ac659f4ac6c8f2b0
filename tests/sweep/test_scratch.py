"""The plan of a sweep in its scratch folder: phases that follow one another."""

from __future__ import annotations

from pathlib import Path

from tunebook.sweep.scratch import Scratch


def test_phases_follow_one_another(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [2, 1])
    assert scratch.phases() == [range(2), range(2, 3)]
