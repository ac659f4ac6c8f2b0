"""A mistake in a module of the user's own is told with its file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunebook import methods, metrics, tasks
from tunebook.errors import RequestError
from tunebook.metrics import scoring
from tunebook.plugins import FOLDERS, OURS, find, place_of

TASK = """\
from tunebook.schema import TaskSettings
from tunebook.tasks.task import Field, Task
OPTIONS = TaskSettings
class TASK(Task):
    fields = {"article": Field("text"), "headline": Field("headline")}
    inputs = ("article",)
    answer = "headline"
    long_field = "article"
    metrics = ("rouge",)
"""
METRIC = """\
from tunebook.metrics.metric import Metric, mean_result
HIGHER_IS_BETTER = {"broken_one": True}
class Mine(Metric):
    papers, homepage_url = "", ""
    def measure(self, predictions, references):
        return %s
"""
ROW = {"id": "1", "article": "a", "headline": "b"}
NAME = "broken_one"


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A second folder of tasks and metrics, searched as the shipped ones are."""
    from tunebook import plugins

    for package in (tasks, metrics):
        package.__path__.append(str(tmp_path))
    plugins.FOLDERS.append(tmp_path)
    yield tmp_path
    plugins.FOLDERS.remove(tmp_path)
    for package in (tasks, metrics):
        package.__path__.remove(str(tmp_path))
        sys.modules.pop(f"{package.__name__}.{NAME}", None)


@pytest.mark.parametrize(("text", "told"), [
    ("import nosuch_module\n", r"broken_one.py:1: ModuleNotFoundError: No module named"),
    ("x = 1\ny = 1 / 0\n", r"broken_one.py:2: ZeroDivisionError: division by zero"),
    ("x = 1\ndef f(:\n", r"broken_one.py:2: SyntaxError: invalid syntax"),
    ("OPTIONS = 1\n", r"broken_one.py: lacks TASK"),
])  # fmt: skip
def test_a_module_that_cannot_be_imported(folder: Path, text: str, told: str) -> None:
    (folder / f"{NAME}.py").write_text(text)
    with pytest.raises(RequestError, match=told):
        find("tunebook.tasks", NAME, tasks.NEEDED)


@pytest.mark.parametrize(("more", "told"), [
    ("    def texts(self, row):\n        return row['nosuch']\n", "broken_one.py:11: KeyError"),
    ("    def texts(self, row):\n        return 3\n", "texts gives 3, not a text for each field"),
    ("    def target(self, row):\n        return None\n", "target gives None, not a text"),
    ("    def references(self, row):\n        return 'b'\n", "references gives 'b', not a list"),
    ("    def references(self, row):\n        return [1]\n", "references gives .1., not a list"),
])  # fmt: skip
def test_a_task_that_makes_no_texts(folder: Path, more: str, told: str) -> None:
    (folder / f"{NAME}.py").write_text(TASK + more)
    found = find("tunebook.tasks", NAME, tasks.NEEDED)
    settings = found.OPTIONS(name=NAME, kind=NAME, headline="rougeL")
    with pytest.raises(RequestError, match=told):
        tasks.check(found.TASK(settings), ROW)


@pytest.mark.parametrize(("made", "told"), [
    ("predictions[5]", "IndexError"),
    ("None", "measure of the metric broken_one gives None"),
    ("{'other': 1}", "measure of the metric broken_one gives {'other': 1}"),
    ("{'broken_one': 0.5}", "gives no Result with a score a row for broken_one"),
    ("{'broken_one': mean_result('broken_one', [1.0, 2.0], '')}", "gives no Result with a score"),
])  # fmt: skip
def test_a_metric_that_gives_no_results(
    folder: Path, monkeypatch: pytest.MonkeyPatch, made: str, told: str
) -> None:
    (folder / f"{NAME}.py").write_text(METRIC % made)
    monkeypatch.setattr(scoring, "check_name", lambda name: None)
    monkeypatch.setattr(scoring, "keys", lambda name: (NAME,))
    with pytest.raises((TypeError, IndexError)) as error:
        metrics.score([NAME], ["a"], [["a"]])
    assert told in f"{type(error.value).__name__}: {error.value}"
    if made == "predictions[5]":
        assert place_of(error.value) == f"{folder / NAME}.py:6"


def test_what_is_no_plugin_is_said_once() -> None:
    """Each module of these folders is a plugin or one of our tools, and each tool is there."""
    there = {name: {file.stem for file in FOLDERS[at].glob("*.py")} - {"__init__"}
             for at, name in enumerate(OURS)}  # fmt: skip
    plugins = {"tasks": tasks.kinds(), "methods": methods.kinds(), "metrics": metrics.available()}
    assert there == {name: {*OURS[name], *plugins[name]} for name in OURS}
