"""The built wheel holds everything a run needs, and works from any directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEBUG = ("task=summarize", "method=prompt", "debug=true")


def run(folder: Path, *words: str, path: Path | None = None) -> str:
    """The output of a command started in `folder`, with `path` searched for packages first."""
    extra = {"PYTHONPATH": str(path)} if path else {}
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env={**os.environ, **extra},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the unpacked wheel and nothing else."""
    wheels, site = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("site")
    pip = ("-m", "pip", "--quiet")
    run(ROOT, *pip, "wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
    (wheel,) = wheels.glob("tunebook-*.whl")
    run(ROOT, *pip, "install", "--no-deps", "--target", str(site), str(wheel))
    return site


@pytest.mark.slow
def test_wheel_runs_from_any_directory(installed: Path, tmp_path: Path) -> None:
    where = (
        "import tunebook, recipes, json\nprint(json.dumps([tunebook.__file__, recipes.__file__]))"
    )
    for file in json.loads(run(tmp_path, "-c", where, path=installed)):
        assert Path(file).is_relative_to(installed)
    shown = run(tmp_path, "-m", "recipes.run", *DEBUG, path=installed)
    assert "rougeL" in shown
    (folder,) = (tmp_path / "outputs").glob("*/*/*/*")
    assert json.loads((folder / "status.json").read_text())["state"] == "complete"
    run(tmp_path, "-m", "recipes.compare", "--report", "page.html", path=installed)
    assert (tmp_path / "page.html").read_text().count("summarize-test-") > 0


@pytest.mark.slow
def test_wheel_searches_the_users_conf_first(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "conf" / "recipe").mkdir(parents=True)
    text = "# @package _global_\ndefaults:\n  - override /task: qa\n  - _self_\nseed: 7\n"
    (tmp_path / "conf" / "recipe" / "mine.yaml").write_text(text)
    shown = run(tmp_path, "-m", "recipes.run", "recipe=mine", "--cfg", "job", path=installed)
    assert "seed: 7" in shown
    assert "name: qa" in shown


def test_editable_install_runs_from_any_directory(tmp_path: Path) -> None:
    shown = run(tmp_path, "-m", "recipes.run", "task=qa", "--cfg", "job")
    assert "name: qa" in shown


def test_a_clone_named_tunebook_hides_no_package(tmp_path: Path) -> None:
    import sysconfig

    if not Path(sysconfig.get_path("purelib"), "tunebook-source.pth").exists():
        pytest.skip("made by `make run` and `make test`")
    (tmp_path / "tunebook" / "src" / "tunebook").mkdir(parents=True)
    assert run(tmp_path, "-c", "import tunebook; print(callable(tunebook.run))") == "True\n"
