"""docs/adding.md: the files that it shows make a task, a method and a metric that run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/.]+)`\n\n```\w+\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
# The modules stand in a folder of their own, which is searched as if it were part of the package.
RUN = """
import sys
import tunebook.methods, tunebook.metrics, tunebook.metrics.catalogue, tunebook.tasks
from pathlib import Path
added = Path(sys.argv.pop(1))
for part in (tunebook.methods, tunebook.metrics, tunebook.tasks):
    part.__path__.append(str(added / part.__name__.split(".")[-1]))
table = tunebook.metrics.catalogue._read_table
tunebook.metrics.catalogue._tables().update(
    {file.stem: table(file) for file in (added / "metrics").glob("*.py")})
from tunebook.command.command import answer
from recipes.run import one_run
sys.exit(answer(sys.argv[1:], one_run, "recipes.run"))
"""


def test_the_page_shows_five_files() -> None:
    assert sorted(Path(name).suffix for name in FILES) == [".py"] * 3 + [".yaml"] * 2


@pytest.mark.slow
def test_what_the_page_shows_runs(tmp_path: Path) -> None:
    for name, text in FILES.items():
        place = name.removeprefix("src/tunebook/")
        file = tmp_path / (place if place.startswith("conf") else f"added/{place}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    rows = [{"article": f"Anna sold {n} lamps. It rained.", "headline": f"Lamps: {n}"}
            for n in range(40)]  # fmt: skip
    text = "\n".join(map(json.dumps, rows))
    (tmp_path / "news.jsonl").write_text(text, encoding="utf-8")
    words = ["task=headline", "method=ia3", "data=files", "data.train=news.jsonl",
             "training.max_steps=2", "decoding.max_new_tokens=8"]  # fmt: skip
    done = subprocess.run([sys.executable, "-c", RUN, str(tmp_path / "added"), *words],
                          cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = json.loads(next(tmp_path.glob("outputs/**/metrics.json")).read_text())
    assert metrics["headline"]["name"] == "rougeL"
    assert "initial_word" in metrics["after"]
    assert metrics["method"] == "ia3"
    assert 0 < metrics["parameters"]["trainable"] < metrics["parameters"]["total"] / 100
