"""python -m recipes.predict, as it is typed."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from prediction_rows import read_jsonl, rows, write_jsonl

from recipes.predict import main
from tunebook.predicting import Predictor


def quiet(line: str) -> None:
    """Say nothing."""


def pipe(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    stream = SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)


@pytest.fixture(autouse=True)
def _empty_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(monkeypatch, b"")


def test_help_is_quick_to_import_and_shows_the_fields_of_the_run(
    run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "from recipes.predict import main; main(['-h']); import sys; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")
    for flag in ("--source", "--document", "--question", "--context", "--history", "--text"):
        assert flag in done.stdout
    assert main([str(run_of("lora", "llama", "qa")), "--help"]) == 0
    shown = capsys.readouterr().out
    assert "qa reads context and question" in shown
    assert "--question TEXT" in shown
    assert "--source TEXT" not in shown
    assert "--text TEXT" not in shown


def test_text_by_name_and_by_field(
    run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, text = str(run_of()), "the cat - and = a dog"
    (wanted,) = Predictor.open(run, quiet).predict([{"source": text}])
    for words in (
        [run, "--text", text],
        [f"--source={text}", run],
    ):
        assert main(words) == 0
        assert capsys.readouterr().out == f"{wanted}\n"


def test_two_fields(run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("lora", "llama", "qa")
    (wanted,) = Predictor.open(run, quiet).predict([{"context": "the cat", "question": "who?"}])
    assert main([str(run), "--question", "who?", "--context", "the cat"]) == 0
    assert capsys.readouterr().out == f"{wanted}\n"


def test_turns(run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    run = run_of("lora", "llama", "dialogue")
    (wanted,) = Predictor.open(run, quiet).predict([{"history": ["the cat", "a dog"]}])
    for last in ("--history", "--text"):
        assert main([str(run), "--history", "the cat", last, "a dog"]) == 0
        assert capsys.readouterr().out == f"{wanted}\n"


@pytest.mark.parametrize("dash", [[], ["-"], ["--text", "-"]])
def test_piped_lines(
    run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch, dash: list[str],
) -> None:  # fmt: skip
    pipe(monkeypatch, b"the cat\r\n\na dog")
    run = run_of()
    texts = Predictor.open(run, quiet).predict([{"source": "the cat"}, {"source": "a dog"}])
    wanted = [" ".join(text.splitlines()) for text in texts]
    assert main([str(run), *dash]) == 0
    told = capsys.readouterr()
    assert told.out == f"{wanted[0]}\n\n{wanted[1]}\n"
    assert "line 2: source is empty" in told.err


def test_a_file(run_of: Callable[..., Path], tmp_path: Path) -> None:
    run = run_of()
    renamed = [{"en": row["source"]} for row in rows("translate", 50, 9)]
    source, target = write_jsonl(tmp_path / "new.jsonl", renamed), tmp_path / "out.jsonl"
    words = [str(run), "--input", str(source), "--output", str(target), "--field", "source=en"]
    assert main([*words, "--batch-size", "2"]) == 0
    after = [row["after"] for row in read_jsonl(run / "predictions.jsonl")]
    assert [row["prediction"] for row in read_jsonl(target)] == after


def test_stopped_and_failed(
    run_of: Callable[..., Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for error, told, code in (
        (KeyboardInterrupt(), "interrupted; the same command continues", 130),
        (RuntimeError("CUDA out of memory. Tried\nmuch"), "Lower --batch-size", 1),
    ):

        def stop(*words: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(Predictor, "answer", stop)
        assert main([str(run_of()), "--text", "the cat"]) == code
        assert told in capsys.readouterr().err


WRONG = [
    ("{run}", "there is no text. translate reads source: give --text or --source"),
    ("", "RUN: is missing"),
    ("{run} --text", "expected one argument"),
    ("{run} --text= ", "--source: is empty"),
    ("{run} --text She sings", "'sings': is not understood. Put text in quotes"),
    ("{run} --text a --source b", "--source: given 2 times"),
    ("{run} --document a", "--document: translate has no such field. translate reads source"),
    ("{run} --sourec a", "Did you mean --source?"),
    ("{run} --txet a", "Did you mean --text?"),
    ("{qa} --text a", "--text: could mean several fields. qa reads context and question"),
    ("{qa} --question a", "--context: not given. qa reads context and question"),
    ("{qa}", "a line: could mean several fields"),
    ("{run} --text a --batch-size 0", "at least 1"),
    ("{run} --text a --device tpu", "invalid choice: 'tpu'"),
    ("{run} --text a --model /nowhere", "there is no folder /nowhere. It is the run's base model"),
    ("{run} --text a --model {house}/t5", "name its folder with --model"),
    ("{run} --text a --output {tmp}/o.jsonl", "--output: belongs to --input"),
    ("{run} --text a --overwrite", "--overwrite: belongs to --input"),
    ("{run} --input {good}", "--output: is missing"),
    ("{run} --input {good} --output {tmp}/o.jsonl --text a", "--input: excludes text"),
    ("{run} --input {tmp}/goood.jsonl --output {tmp}/o.jsonl", "Did you mean good.jsonl?"),
    ("{run} --input {tmp} --output {tmp}/o.jsonl", "is a folder"),
    ("{run} --input {good} --output {tmp}/o.xyz", "must end in .jsonl, .csv, .tsv, .txt"),
    ("{run} --input {good} --output {tmp}/no/o.csv", "there is no folder {tmp}/no"),
    ("{run} --input {good} --output {good}", "is the input file too"),
    ("{run} --input {good} --output {tmp}/o.csv --field source", "--field source: is no mapping"),
    ("{run} --input {good} --output {tmp}/o.csv --field sorce=a", "Did you mean source?"),
    (
        "{run} --input {good} --output {tmp}/o.csv --field source=x",
        "has no column x; it has",
    ),
    ("{qa} --input {tmp}/good.txt --output {tmp}/o.csv", "a line cannot hold several fields"),
    ("/nowhere --text a", "there is no such folder"),
    ("{house}/outputs --text a", "is no run folder"),
    ("{run}/adapter --text a", "is part of a run. Give the run's folder: {run}"),
    ("{unfinished} --text a", "the run has not finished: its state is failed, at step 3 (no disk)"),
    ("{bare} --text a", "lacks adapter_config.json and adapter_model.safetensors"),
    ("{broken} --text a", "settings.yaml:2: is no valid YAML"),
    ("{newer} --text a", "settings.yaml: schema: 99 is not allowed"),
]


@pytest.fixture(scope="module")
def places(
    run_of: Callable[..., Path], house: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    tmp, run = tmp_path_factory.mktemp("wrong"), run_of()
    write_jsonl(tmp / "good.jsonl", [{"source": "the cat"}])
    (tmp / "good.txt").write_text("the cat\n")
    copies = tmp_path_factory.mktemp("runs")
    broken = {
        n: shutil.copytree(run, copies / n) for n in ("unfinished", "bare", "broken", "newer")
    }
    (broken["unfinished"] / "status.json").write_text(
        '{"state": "failed", "error": "no disk", "step": 3}'
    )
    shutil.rmtree(broken["bare"] / "adapter")
    (broken["broken"] / "settings.yaml").write_text("task: [")
    text = (broken["newer"] / "settings.yaml").read_text()
    (broken["newer"] / "settings.yaml").write_text(text.replace("schema: 1", "schema: 99"))
    places = {"tmp": tmp, "run": run, "house": house, "good": tmp / "good.jsonl",
              "qa": run_of("lora", "llama", "qa"), **broken}  # fmt: skip
    return {name: str(place) for name, place in places.items()}


@pytest.mark.parametrize(("typed", "told"), WRONG, ids=[typed for typed, _ in WRONG])
def test_wrong_requests(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], typed: str, told: str
) -> None:
    before = sorted(p.name for p in Path(places["tmp"]).iterdir())
    assert main([word.format(**places) for word in typed.split()]) == 2
    shown = capsys.readouterr()
    assert told.format(**places) in shown.err
    assert shown.out == ""
    assert sorted(p.name for p in Path(places["tmp"]).iterdir()) == before
