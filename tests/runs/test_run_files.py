"""Whatever stands in a run folder is read or named; the other runs are compared all the same."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunebook.book.cleaning import _run
from tunebook.comparison import Loaded, load, render, tables
from tunebook.comparison.page.write import page_text
from tunebook.comparison.plots.learning import validation_losses
from tunebook.documents import BrokenDocument
from tunebook.errors import RequestError
from tunebook.predicting.finished import FinishedRun
from tunebook.runs.reading import read_environment, read_metrics, read_settings, read_status

sys.path.insert(0, str(Path(__file__).parents[1] / "comparison"))
from made_runs import make_run

FILES = ("settings.yaml", "status.json", "metrics.json", "environment.json", "predictions.jsonl",
         "history.jsonl")  # fmt: skip
NASTY: tuple[Any, ...] = (
    None, True, -1, 0, 3.5, 10**400, 10**30, float("nan"), float("inf"), "", "text", "\ud800",
    [], {}, [1], [None, None], {"a": 1}, [[[]]], "../..",
)  # fmt: skip
MUTATIONS = 200


def deep(levels: int = 5000) -> str:
    return "[" * levels + "]" * levels


TORN: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    lambda content, chance: content[: chance.randrange(len(content) + 1)],
    lambda content, chance: b"",
    lambda content, chance: deep().encode(),
    lambda content, chance: b'{"a": ' * 3000 + b"1" + b"}" * 3000,
    lambda content, chance: b"\x00\xff\xfe rubbish",
    lambda content, chance: b"null",
    lambda content, chance: b"[1]",
    lambda content, chance: content + b"\n" + content,
    lambda content, chance: b"9" * 6000,
    lambda content, chance: content.replace(b":", b"", 1),
    lambda content, chance: b"a: &a [*a]",
)


def places(found: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in a document."""
    here = [path] if path else []
    if not isinstance(found, dict | list):
        return here
    parts = found.items() if isinstance(found, dict) else enumerate(found)
    return here + [one for key, value in parts for one in places(value, (*path, key))]


def changed(found: Any, chance: random.Random) -> Any:
    """`found` with one value lost, or of another type."""
    *path, last = chance.choice(places(found))
    part = found
    for key in path:
        part = part[key]
    if chance.random() < 0.25:
        del part[last]
    else:
        part[last] = chance.choice(NASTY)
    return found


def mutated(file: Path, chance: random.Random) -> bytes:
    content = file.read_bytes()
    if chance.random() < 0.35:
        return chance.choice(TORN)(content, chance)
    if file.suffix == ".jsonl":
        lines = content.splitlines()
        at = chance.randrange(len(lines))
        lines[at] = json.dumps(changed(json.loads(lines[at]), chance)).encode()
        return b"\n".join(lines)
    if file.suffix == ".json":
        return json.dumps(changed(json.loads(content), chance)).encode()
    found = changed(yaml.safe_load(content), chance)
    return yaml.safe_dump(found, sort_keys=False).encode("utf-8", "surrogatepass")


def everything_is_read(good: Path, bad: Path) -> Loaded:
    """All that opens run folders, on a good one and a broken one."""
    loaded = load([good.parent])
    assert good in [run.path for run in loaded.runs]
    assert len(loaded.runs) + len(loaded.skipped) == len({good, bad})
    assert all("\n" not in str(one) for one in loaded.skipped)
    found = tables(loaded.runs)
    for format in ("rich", "markdown", "csv", "json", "latex"):
        assert "lora" in render(found, format, width=100)
    assert "lora" in page_text(found, good.parent, loaded.skipped)
    return loaded


def read_alone(bad: Path) -> None:
    for read in (read_status, read_settings, read_environment, read_metrics, FinishedRun.read):
        try:
            read(bad)
        except RequestError as error:
            told = "\n".join(str(problem) for problem in error.problems)
            assert told.count("\n") == len(error.problems) - 1  # noqa: PT017
    validation_losses(bad / "history.jsonl")
    _run(bad)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("outputs")
    runs = [
        make_run(folder / method, "task=qa", f"method={method}", losses=[3.0, 2.0, 1.0])
        for method in ("lora", "prompt")
    ]
    return runs[0].rename(folder / "good"), runs[1].rename(folder / "bad")


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=() if n < 6 else pytest.mark.fuzz) for n in range(MUTATIONS)],
)
def test_no_broken_file_takes_the_other_runs_down(whole: tuple[Path, Path], number: int) -> None:
    good, bad = whole
    chance = random.Random(number)
    file = bad / FILES[number % len(FILES)]
    content = file.read_bytes()
    try:
        file.write_bytes(mutated(file, chance))
        everything_is_read(good, bad)
        read_alone(bad)
    finally:
        file.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_file_is_named(whole: tuple[Path, Path], name: str) -> None:
    good, bad = whole
    file = bad / name
    aside = file.rename(bad / "aside")
    try:
        file.mkdir()
        everything_is_read(good, bad)
        read_alone(bad)
    finally:
        file.rmdir()
        aside.rename(file)


def test_each_file_is_named_with_what_is_wrong(whole: tuple[Path, Path]) -> None:
    _, bad = whole
    file = bad / "status.json"
    content = file.read_text()
    file.write_text('{"state": "complete", "step": "three"}')
    with pytest.raises(BrokenDocument) as caught:
        read_status(bad)
    file.write_text(content)
    assert str(caught.value) == f"{file}: step is 'three', not a number"
