"""python -m recipes.compare: what it prints, what it refuses, how quickly."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import make_run
from test_tables import scores

from recipes.compare import main

HEAVY = ("torch", "transformers", "peft", "evaluate", "datasets", "pandas", "scipy", "hydra")


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`outputs` of the current directory, with runs of two tasks."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs"
    for seed in range(2):
        for tokens in (5, 10, 20):
            make_run(folder, "task=qa", "method=prompt", f"method.num_virtual_tokens={tokens}",
                     seed=seed, scores=scores(tokens / 2, seed))  # fmt: skip
        make_run(folder, "task=qa", "method=lora", seed=seed, scores=scores(4, seed))
    make_run(folder, "task=qa", "method=zero_shot", scores=scores(-20))
    make_run(folder, "task=summarize", "method=lora", scores=scores(0))
    return folder


def rows_of(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict]:
    """The rows of all tables that the command prints as JSON."""
    assert main([*words, "--format", "json"]) == 0
    return [row for table in json.loads(capsys.readouterr().out) for row in table["rows"]]


def test_without_words_it_compares_outputs(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 0
    shown = capsys.readouterr()
    assert "qa · village · tiny_t5 · 60 test examples" in shown.out
    assert "summarize · village · tiny_t5" in shown.out
    assert "best" in shown.out
    assert shown.err == ""


@pytest.mark.parametrize(
    ("words", "methods"),
    [
        (["task=qa", "method=lora"], ["lora"]),
        (["outputs/qa", "method=lora,zero_shot"], ["lora", "zero_shot"]),
        (["method=glob(z*)"], ["zero_shot"]),
        (["method.num_virtual_tokens=range(5,15,5)"], ["prompt", "prompt"]),
        (["method.num_virtual_tokens=20"], ["prompt"]),
        (["training.learning_rate=1.0", "seed=1", "task=qa"], ["prompt"] * 3),
        (["outputs/summarize/tiny_t5/lora"], ["lora"]),
        (["task=qa", "--sort", "trainable", "method=lora,zero_shot"], ["zero_shot", "lora"]),
    ],
)
def test_folders_and_filters(
    outputs: Path, capsys: pytest.CaptureFixture[str], words: list[str], methods: list[str]
) -> None:
    assert [row["method"] for row in rows_of(capsys, *words)] == methods


def test_the_path_of_a_run_is_no_filter(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = Path("outputs/summarize/tiny_t5/lora").iterdir()
    assert "=" in path.name
    assert len(rows_of(capsys, str(path))) == 1


def test_group_by_gives_a_curve(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = "method.num_virtual_tokens"
    rows = rows_of(capsys, "method=prompt", "--group-by", key)
    assert [row[key] for row in rows] == [5, 10, 20]
    values = [row["score"] for row in rows]
    assert values == sorted(values)


def test_columns_are_shown_in_the_order_given(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--columns", "score,method,training.optim", "--format", "markdown"]) == 0
    head = capsys.readouterr().out.splitlines()[2]
    assert [cell.strip() for cell in head.strip("|").split("|")] == [
        "setting", "f1 ↑", "method", "optim",  # without the setting two rows would be alike
    ]  # fmt: skip


def test_broken_folders_are_told_on_stderr_and_skipped(
    outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = next(Path("outputs/qa/tiny_t5/lora").iterdir())
    (folder / "metrics.json").write_text("{")
    assert main(["task=qa"]) == 0
    shown = capsys.readouterr()
    assert shown.err.startswith(f"tunebook: skipped {folder}: metrics.json: is no valid JSON")
    assert shown.err.count("\n") == 1
    assert "skipped" not in shown.out


def test_nothing_but_broken_folders_is_a_failure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (make_run(tmp_path, "task=qa", "method=lora") / "metrics.json").unlink()
    assert main([str(tmp_path)]) == 1
    assert "no run can be read" in capsys.readouterr().err


WRONG = [
    ("nowhere", "nowhere: there is no such folder"),
    ("output", "output: there is no such folder. Did you mean outputs?"),
    ("taks=qa", "taks=qa: no run has a setting taks. Did you mean task?"),
    ("task=qaa", "task=qaa: no run has this value. Did you mean qa?"),
    ("learning_rate=1", "Did you mean training.learning_rate?"),
    ("task=qa method=lora seed=7", "seed=7: no run has this value. There is: 0, 1."),
    ("task=summarize method=prompt", "task=summarize method=prompt: no run has all of this"),
    ("task=<", "cannot read the value '<'. Quote it: 'task=\"<\"'"),
    ("+task=qa", "is no filter. Write KEY=VALUE"),
    ("--format pdf", "--format: 'pdf' is no format. Choose from: csv, json, latex"),
    ("--format", "--format: expected one argument"),
    ("--columns metod", "--columns metod: no such column. Did you mean method?"),
    ("--columns x", "--columns x: no such column. Choose from: adapter, added"),
    ("--sort scoer", "--sort scoer: no such column. Did you mean score?"),
    ("--group-by num_virtual_tokens", "Did you mean method.num_virtual_tokens?"),
    ("--colums method", "--colums: no such flag. Did you mean --columns?"),
]


@pytest.mark.parametrize(("typed", "told"), WRONG, ids=[typed for typed, _ in WRONG])
def test_wrong_requests(
    outputs: Path, capsys: pytest.CaptureFixture[str], typed: str, told: str
) -> None:
    assert main(typed.split()) == 2
    shown = capsys.readouterr()
    assert told in shown.err
    assert shown.err.startswith("tunebook: 1 problem; nothing was compared.")
    assert shown.out == ""


def test_all_problems_are_told_at_once(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tsk=qa", "method=x", "--format", "pdf", "--colums", "a"]) == 2
    assert capsys.readouterr().err.startswith("tunebook: 4 problems")


def test_without_outputs_it_says_where_runs_land(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([]) == 2
    assert "outputs: there is no such folder. Runs land in outputs/" in capsys.readouterr().err


def loaded_by(words: list[str], folder: Path) -> tuple[str, set[str]]:
    """What a fresh process prints for `words`, and the packages of `HEAVY` that it has loaded."""
    probe = (
        "import sys; from recipes.compare import main; code = main(sys.argv[1:]);"
        f"print('LOADED', *[name for name in {HEAVY} if name in sys.modules]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *words], cwd=folder, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    text, _, names = done.stdout.rpartition("LOADED")
    return text, set(names.split())


def test_help_is_quick_and_names_every_column(tmp_path: Path) -> None:
    text, loaded = loaded_by(["--help"], tmp_path)
    for word in ("--group-by", "trainable", "tokens added to each input", "glob(p*)"):
        assert word in text
    assert loaded == set()


def test_comparing_imports_no_model_library(outputs: Path) -> None:
    _, loaded = loaded_by(["task=qa", "--format", "csv"], outputs.parent)
    assert loaded <= {"pandas", "scipy", "hydra"}
