"""docs/comparison.md: its commands and its Python do what they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from made_runs import make_run

from recipes.compare import main
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import read_request

PAGE = (Path(__file__).parents[2] / "docs" / "comparison.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    python -m (recipes\.\w+) *(.*)$", PAGE, re.MULTILINE)
SWEEPS = [words for module, words in COMMANDS if module == "recipes.run"]
COMPARISONS = [words for module, words in COMMANDS if module == "recipes.compare"]


@pytest.fixture
def _outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in ./outputs and ./other/outputs."""
    monkeypatch.chdir(tmp_path)
    for method in ("prompt", "lora"):
        make_run(Path("outputs"), "task=summarize", f"method={method}")
        make_run(Path("other/outputs"), "task=summarize", f"method={method}", seed=1)


@pytest.mark.parametrize("typed", SWEEPS)
def test_each_sweep_is_one(typed: str) -> None:
    words, _ = with_sweep(shlex.split(typed))
    assert read_request([word for word in words if word != "-m"], sweep=True).sweep


@pytest.mark.usefixtures("_outputs")
@pytest.mark.parametrize("typed", COMPARISONS)
def test_each_comparison_is_accepted(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(re.split(r" [>|] ", typed)[0], comments=True)
    assert main(words) == 0
    assert "prompt" in capsys.readouterr().out


@pytest.mark.usefixtures("_outputs")
def test_the_python_writes_a_page_and_figures(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code, {})
    assert "| method" in capsys.readouterr().out
    assert Path("report.html").is_file()
    assert len(list(Path("figures").iterdir())) == 6


def test_something_is_tested() -> None:
    assert len(SWEEPS) == 4
    assert len(COMPARISONS) >= 10
