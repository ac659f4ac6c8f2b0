"""The plan of a sweep in its scratch folder: phases that follow one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from recipes import compose
from tunebook import folders
from tunebook.sweep.scratch import Scratch


def test_phases_follow_one_another(tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [2, 1])
    assert scratch.phases() == [range(2), range(2, 3)]


@pytest.mark.parametrize("recipe", list(folders.options("recipe")))
def test_a_run_gets_the_settings_that_were_asked_for(recipe: str, tmp_path: Path) -> None:
    scratch = Scratch.make(tmp_path, [2])
    runs = [compose(f"recipe={recipe}", "tune=4"), compose(f"recipe={recipe}", "seed=7")]
    scratch.write_settings(runs)
    assert [scratch.settings_of(number) for number in range(2)] == runs
