"""Every command of README.md and docs/ runs: a training with a tiny budget, all else as it stands.

What needs the hub, a cluster or a graphics card is composed and not run.
"""

from __future__ import annotations

import csv
import json
import re
import runpy
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import tunebook

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("README.*.md")), *sorted(ROOT.glob("docs/*.md"))]
COMMAND = re.compile(r"^ {4,}(?:OMP_NUM_THREADS=\d+ )?python -m (recipes\.\w+)(.*)$", re.MULTILINE)
# Run elsewhere: tests/bench and test_launcher_pages.py.
ELSEWHERE = re.compile(r"model\.path=google|qwen3|mt5|t5_small|submitit|-m \.\.\.|stock-decoding")
ADDED = re.compile(r"^`conf/(\w+)/(\w+)\.yaml`\n\n```", re.MULTILINE)
"""Options whose files a page shows: what names them runs in the clone of test_adding.py."""
BENCH = ["bench.shape=tiny_llama", "bench.virtual=4", "bench.length=8", "bench.batch=2",
         "bench.steps=2", "bench.warmup=1", "bench.repeats=1", "bench.examples=4",
         "bench.new_tokens=3"]  # fmt: skip


@dataclass(frozen=True)
class Typed:
    """One command of a page."""

    page: str
    module: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join((self.module, *self.words))


def commands(page: Path) -> list[Typed]:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for module, rest in COMMAND.findall(text):
        words = shlex.split(re.split(r" [>|] ", rest)[0], comments=True)
        found.append(Typed(page.name, module, tuple(words)))
    return found


def test_there_are_commands_to_test() -> None:
    assert len(commands(ROOT / "README.md")) > 20
    assert sum(len(commands(page)) for page in PAGES) > 80


ENDED: dict[tuple[str, tuple[str, ...]], int] = {}
"""What each command of a page came to; pages that show the same one start from the same files."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name, and a finished run of either family."""
    folder = tmp_path_factory.mktemp("reader")
    _write_data(folder)
    shutil.copytree(
        Path(tunebook.__file__).parent / "models" / "embedded" / "tiny_t5",
        folder / "path" / "to" / "folder",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words, name in (("model=tiny_llama", "RUN_FOLDER"), ("model=tiny_t5", "RUN_A"),
                            ("-m task=qa method=prompt,lora", "")):  # fmt: skip
            run = Typed("", "recipes.run", (*words.split(), "outputs=made", "debug=true"))
            assert _exit_code(run, patch) == 0
            if name:
                (place,) = folder.glob(f"made/*/{words.removeprefix('model=')}/*/*/metrics.json")
                shutil.copytree(place.parent, folder / name)
    for name in ("RUN", "RUN_B"):
        shutil.copytree(folder / "RUN_FOLDER", folder / name)
    return folder


def _write_data(folder: Path) -> None:
    rows = [
        {"document": f"Anna sold {n} lamps. It rained.", "summary": f"{n} lamps.",
         "article": f"Anna sold {n} lamps. It rained.", "highlights": f"{n} lamps.",
         "dialogue": f"Who sold {n} lamps? Anna.",
         **{f"summary{i}": f"{n} lamps, {i}." for i in (1, 2, 3)},
         "source": f"{n} lamps", "target": f"{n} lampes",
         "translation": {"en": f"{n} lamps", "fr": f"{n} lampes"},
         "messages": [{"role": "user", "content": f"How many? {n}?"},
                      {"role": "assistant", "content": f"{n} lamps."}]}
        for n in range(60)
    ]  # fmt: skip
    parts = {"train": rows[:40], "validation": rows[40:50], "val": rows[40:50], "test": rows[50:]}
    parts |= dict.fromkeys(("pairs", "talks", "news.zh", "new"), rows)
    for name, some in parts.items():
        text = "\n".join(json.dumps(row) for row in some)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    with (folder / "news.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["article", "highlights"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _exit_code(typed: Typed, patch: pytest.MonkeyPatch) -> int:
    patch.setattr(sys, "argv", [typed.module, *typed.words])
    try:
        runpy.run_module(typed.module, run_name="__main__", alter_sys=False)
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def _small(typed: Typed) -> Typed:
    """The same command with a budget of seconds."""
    words = [re.sub(r"^(seed=0),1.*", r"\1", word) for word in typed.words]
    words = [re.sub(r"^tune=\d+", "tune=2", word) for word in words]
    if typed.module == "recipes.run" and "--help" not in words:
        named = any(word.startswith("sweep=") for word in words)
        words += ["debug=true", *(["seed=0"] if named else [])]
    if typed.module == "recipes.bench" and "--help" not in words:
        words = [*(word for word in words if "shape" not in word and "model" not in word), *BENCH]
        if any(word.startswith("bench.sweep") for word in words):
            words.append("bench.values=2,4")
    return Typed(typed.page, typed.module, tuple(words))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_the_page_runs(
    page: Path, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = shutil.copytree(workplace, tmp_path / "here", symlinks=True)
    monkeypatch.chdir(here)
    shutil.copytree(here / "made", here / "outputs")
    shutil.copytree(here / "made", here / "other" / "outputs")
    (here / "elsewhere").mkdir()
    failed = []
    added = {f"{group}={name}" for group, name in ADDED.findall(page.read_text(encoding="utf-8"))}
    for typed in commands(page):
        if not ELSEWHERE.search(str(typed)) and not added & {*typed.words}:
            wanted = 2 if "method.num_virtual_tokens=5" in typed.words else 0
            small = _small(typed)
            key = small.module, small.words
            if key not in ENDED:
                ENDED[key] = _exit_code(small, monkeypatch)
            if ENDED[key] != wanted:
                failed.append((str(typed), ENDED[key]))
    assert not failed
