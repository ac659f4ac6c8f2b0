"""Several runs in one command: each answers as it does alone, in shared batches where it can."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prediction_rows import read_jsonl, rows, write_jsonl

from recipes.predict import main
from tunebook.errors import RequestError
from tunebook.predicting import MixedPredictor, Predictor, files, predict_file, read_runs
from tunebook.predicting.labels import labels_of

TASKS = ("translate", "qa", "dialogue")


def quiet(line: str) -> None:
    """Say nothing."""


def of_all_tasks(first: int, count: int) -> list[dict[str, Any]]:
    """Rows that hold the fields of every task."""
    found = zip(*(rows(task, first, count) for task in TASKS), strict=True)
    return [{name: value for row in one for name, value in row.items()} for one in found]


def alone(run: Path, given: Sequence[dict[str, Any]]) -> list[str]:
    return Predictor.open(run, quiet).predict(given)


def virtual(tokens: int) -> str:
    return f"method.num_virtual_tokens={tokens}"


@pytest.fixture(scope="session")
def prompts_of(run_of: Callable[..., Path]) -> Callable[[str], list[Path]]:
    """Three soft prompts of 3, 5 and 8 tokens, each of another task; the last by P-tuning."""

    def prompts(family: str) -> list[Path]:
        kinds = zip(("prompt", "prompt", "p_tuning"), TASKS, (3, 5, 8), strict=True)
        return [run_of(method, family, task, virtual(n)) for method, task, n in kinds]

    return prompts


@pytest.fixture
def runs(prompts_of: Callable[[str], list[Path]]) -> list[Path]:
    return prompts_of("llama")


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_every_row_by_every_run_and_by_its_own(
    prompts_of: Callable[[str], list[Path]], family: str
) -> None:
    runs, given, said = prompts_of(family), of_all_tasks(50, 9), []
    mixed = MixedPredictor.open(runs, said.append)
    assert [group.labels for group in mixed.groups] == [mixed.labels]
    assert f"3 runs share batches of 4: {', '.join(mixed.labels)}" in said
    assert len([line for line in said if line.startswith("attention")]) == 1, "one base is loaded"
    wanted = {label: alone(run, given) for label, run in zip(mixed.labels, runs, strict=True)}
    assert len({tuple(texts) for texts in wanted.values()}) == 3
    answers = mixed.answer_all(given)
    assert [{label: one.text for label, one in row.items()} for row in answers] == [
        {label: wanted[label][i] for label in mixed.labels} for i in range(9)
    ]
    labels = [mixed.labels[i * 2 % 3] for i in range(9)]
    each = mixed.answer_each(given, labels)
    assert [one.text for one in each] == [wanted[label][i] for i, label in enumerate(labels)]


def test_prefixes_baselines_and_runs_that_stay_by_themselves(run_of: Callable[..., Path]) -> None:
    runs = [run_of("prompt", "llama", "translate", virtual(3)), run_of("prefix"), run_of("lora"),
            run_of("zero_shot"), run_of("full"), run_of("prompt", "t5"),
            run_of("prompt", "llama", "translate", virtual(4), "decoding.num_beams=2")
            ]  # fmt: skip
    given, said = rows("translate", 50, 6), []
    mixed = MixedPredictor.open(runs, said.append, batch_size=3)
    prompt, prefix, lora, zero, full, t5, beams = mixed.labels
    assert [group.labels for group in mixed.groups] == [
        [prompt, prefix, zero], [beams], [lora], [full], [t5],
    ]  # fmt: skip
    told = "\n".join(said)
    assert f"{lora} decodes in batches of its own (lora changes the layers" in told
    assert "2 kinds of batches, as decoding settings differ" in told
    assert "base 4 of 4" in told
    for label, run in zip(mixed.labels, runs, strict=True):
        answers = [one.text for one in mixed.answer_each(given, [label] * 6)]
        assert answers == alone(run, given)
    assert [{k: one.text for k, one in row.items()} for row in mixed.answer_all(given)] == [
        dict(zip(mixed.labels, texts, strict=True))
        for texts in zip(*(alone(run, given) for run in runs), strict=True)
    ]


def test_rows_that_cannot_be_answered(runs: list[Path]) -> None:
    mixed = MixedPredictor.open(runs, quiet)
    given = of_all_tasks(50, 2)
    given[1]["question"] = " "
    translate, qa, dialogue = (one for one in mixed.answer_all(given)[1].values())
    assert (qa.text, qa.error) == (None, "question is empty")
    assert [translate.text, dialogue.text] == [
        alone(runs[0], given[1:])[0], alone(runs[2], given[1:])[0]
    ]  # fmt: skip
    labels = [mixed.labels[0], mixed.labels[1]]
    with pytest.raises(RequestError, match=r"row 2: lacks context. qa reads context and question"):
        mixed.answer_each([given[0], {"question": "who?"}], labels)
    with pytest.raises(RequestError, match=r"is none of the runs. Did you mean"):
        mixed.answer_each(given, [labels[0], labels[1] + "x"])
    with pytest.raises(RequestError, match="there are none"):
        MixedPredictor.open([], quiet)


def test_labels_are_where_folders_differ(run_of: Callable[..., Path], runs: list[Path]) -> None:
    assert list(read_runs(runs)) == list(TASKS)
    assert list(read_runs([run_of("prefix"), run_of("lora")])) == ["prefix", "lora"]
    longer = run_of("prompt", "llama", "translate", virtual(9))
    assert list(read_runs([runs[0], longer])) == [runs[0].name, longer.name]
    tasks_twice = [f"translate/{runs[0].name}", f"translate/{longer.name}", f"qa/{runs[1].name}"]
    assert list(read_runs([runs[0], longer, runs[1]])) == tasks_twice
    assert list(read_runs(runs[:1])) == [runs[0].name]
    assert labels_of([Path("/a/b/c"), Path("/a/d")]) == ["b/c", "d"]
    with pytest.raises(RequestError, match="is given twice"):
        read_runs([runs[0], runs[1], str(runs[0])])
    with pytest.raises(RequestError) as caught:
        read_runs([runs[0], "/nowhere", "/nobody"])
    assert len(caught.value.problems) == 2


def test_command_with_text_and_fields(
    run_of: Callable[..., Path], runs: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    two, text = [runs[0], run_of("prefix")], "the cat saw"
    wanted = [" ".join(alone(run, [{"source": text}])[0].splitlines()) for run in two]
    assert main([str(two[0]), "--text", text, str(two[1])]) == 0
    shown = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert shown == [[label, one] for label, one in zip(read_runs(two), wanted, strict=True)]
    words = [*map(str, runs[:2]), "--source", text, "--context", "a dog", "--question", "who?"]
    assert main(words) == 0
    answers = [alone(runs[0], [{"source": text}]),
               alone(runs[1], [{"context": "a dog", "question": "who?"}])]  # fmt: skip
    shown = [line.split("\t")[1] for line in capsys.readouterr().out.splitlines()]
    assert shown == [" ".join(one[0].splitlines()) for one in answers]


def test_command_with_lines(
    run_of: Callable[..., Path], runs: list[Path], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    two = [runs[0], run_of("prefix")]
    stream = SimpleNamespace(buffer=io.BytesIO(b"the cat\n\na dog"), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)
    assert main([*map(str, two), "-"]) == 0
    told = capsys.readouterr()
    given = [{"source": "the cat"}, {"source": "a dog"}]
    first, last = zip(*(alone(run, given) for run in two), strict=True)
    cells = [[" ".join(one.splitlines()) for one in some] for some in (first, last)]
    lines = [line.split("\t") for line in told.out.split("\n")]
    assert lines == [list(read_runs(two)), cells[0], ["", ""], cells[1], [""]]
    assert "line 2, " in told.err


def test_command_with_a_file_of_rows_for_every_run(runs: list[Path], tmp_path: Path) -> None:
    given, labels = of_all_tasks(50, 9), list(read_runs(runs))
    given[3]["history"] = []
    source = write_jsonl(tmp_path / "new.jsonl", given)
    words = [*map(str, runs), "--input", str(source), "--output"]
    assert main([*words, str(tmp_path / "out.jsonl"), "--batch-size", "2"]) == 0
    found = read_jsonl(tmp_path / "out.jsonl")
    for label, run in zip(labels, runs, strict=True):
        answers = Predictor.open(run, quiet).answer(given)
        assert [row["predictions"][label] for row in found] == [one.text for one in answers]
    assert [row["id"] for row in found] == list(range(1, 10))
    assert {row["id"]: row["errors"] for row in found if "errors" in row} == {
        4: {labels[2]: "history is empty"}
    }
    assert main([*words, str(tmp_path / "out.csv")]) == 0
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *table = csv.reader(file)
    assert header == ["id", *labels, "error"]
    assert [row[1] for row in table] == [row["predictions"][labels[0]] for row in found]
    assert table[3][4] == f"{labels[2]}: history is empty"


def for_own_runs(runs: list[Path], count: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows that hold their own run's fields alone, those of the third run all at the end."""
    labels, found, own = list(read_runs(runs)), [], []
    for i in range(count):
        number = 2 if i >= count - 3 else i % 2
        name = labels[number] if i % 4 < 2 else str(runs[number])
        found.append({"run": name, **rows(TASKS[number], 50 + i, 1)[0]})
        own.append(labels[number])
    return found, own


def own_answers(runs: list[Path], given: list[dict[str, Any]], own: list[str]) -> list[str]:
    by_label = dict(zip(read_runs(runs), runs, strict=True))
    return [alone(by_label[label], [row])[0] for row, label in zip(given, own, strict=True)]


def test_command_with_a_file_whose_rows_name_their_run(
    runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, own = for_own_runs(runs, 9)
    source, target = write_jsonl(tmp_path / "new.jsonl", given), tmp_path / "out.jsonl"
    assert main([*map(str, runs), "--input", str(source), "--output", str(target)]) == 0
    wanted = own_answers(runs, given, own)
    assert read_jsonl(target) == [
        {"id": i, "run": label, "prediction": text}
        for i, (label, text) in enumerate(zip(own, wanted, strict=True), 1)
    ]
    assert "each row is answered by the run that its column run names" in capsys.readouterr().err
    text = predict_file(runs, source, tmp_path / "out.txt", say=quiet).read_text()
    assert text.split("\n")[:-1] == [" ".join(one.splitlines()) for one in wanted]
    renamed = [{"who": row.pop("run"), **row} for row in given[:2]]
    write_jsonl(source, renamed)
    said: list[str] = []
    predict_file(runs, source, target, fields={"run": "who"}, overwrite=True,
                       say=said.append)  # fmt: skip
    assert [row["prediction"] for row in read_jsonl(target)] == wanted[:2]
    assert any("dialogue" in line and "is named by no row" in line for line in said)


def test_an_interrupted_file_of_several_runs_goes_on(
    runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BATCHES_AT_ONCE", 1)
    given, own = for_own_runs(runs, 9)
    source, target = write_jsonl(tmp_path / "new.jsonl", given), tmp_path / "out.jsonl"
    answer, calls = MixedPredictor.answer_each, []

    def stop_at_second(self: MixedPredictor, *words: Any) -> Any:
        calls.append(len(words[0]))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return answer(self, *words)

    monkeypatch.setattr(MixedPredictor, "answer_each", stop_at_second)
    with pytest.raises(KeyboardInterrupt):
        predict_file(runs, source, target, say=quiet)
    said: list[str] = []
    predict_file(runs, source, target, say=said.append)
    assert calls == [4, 4, 4, 1]
    assert any("holds 4 rows already" in line for line in said)
    texts = [row["prediction"] for row in read_jsonl(target)]
    assert texts == own_answers(runs, given, own)


WRONG = [
    ("{a} {b} --text x", "--text: could mean several fields. qa reads context and question"),
    ("{a} {b} --source x", "--context and --question: not given. qa reads"),
    ("{a} {c} --source x --history y --document z", "--document: no run reads such a field"),
    ("{a} {c} --txet x", "--txet: no such flag. Did you mean --text?"),
    ("{a} sings --text x", "'sings': is not understood"),
    ("{a} {tmp}/nowhere --text x", "{tmp}/nowhere: there is no such folder"),
    ("{a} {a} --text x", "is given twice"),
    (
        "{a} {c}",
        "there is no text. translate reads source: give --text or --source; dialogue",
    ),
    ("{a} {b} -", "a line: could mean several fields"),
    ("{a} {c} --text x --model /nowhere", "there is no folder /nowhere"),
    ("{a} {b} --input {all} --output {tmp}/o.txt", "must end in .csv, .tsv, .jsonl"),
    ("{a} {b} --input {all} --output {all}", "is the input file too"),
    ("{a} {b} --input {own} --output {tmp}/o.jsonl", "own.jsonl:3: nobody is none of the runs"),
    ("{a} {b} --input {own} --output {tmp}/o.jsonl", "own.jsonl:4: names no run. Give one of: "),
    ("{a} {b} --input {bad} --output {tmp}/o.jsonl", "bad.jsonl:2: source: a te"),
    ("{a} {b} --input {lacks} --output {tmp}/o.jsonl", "has no column question; it has"),
    ("{a} {b} --input {all} --output {tmp}/o.jsonl --field run=x", "has no column x"),
    ("{a} {b} --input {all} --output {tmp}/o.jsonl --field sorce=x", "Did you mean source?"),
    ("{a} {b} --input {tmp}/lines.txt --output {tmp}/o.jsonl", "a line cannot hold several"),
]


@pytest.fixture(scope="module")
def places(
    prompts_of: Callable[[str], list[Path]], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    tmp = tmp_path_factory.mktemp("wrong")
    a, b, c = prompts_of("llama")
    first, second = read_runs([a, b])
    contents = {
        "all": of_all_tasks(0, 2),
        "own": [{"run": first, "source": "x"}, {"run": second, "context": "x", "question": "y"},
                {"run": "nobody"}, {"run": " "}],
        "bad": [{"run": str(a), "source": "x"}, {"run": first, "source": {"a": 1}},
                {"run": second, "context": "x", "question": "y", "source": {"a": 1}}],
        "lacks": [{"source": "x", "context": "y"}],
    }  # fmt: skip
    (tmp / "lines.txt").write_text("x\n")
    written = {name: write_jsonl(tmp / f"{name}.jsonl", rows) for name, rows in contents.items()}
    return {k: str(v) for k, v in {"tmp": tmp, "a": a, "b": b, "c": c, **written}.items()}


@pytest.mark.parametrize(("typed", "told"), WRONG, ids=[typed for typed, _ in WRONG])
def test_wrong_requests_to_several_runs(
    places: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    typed: str, told: str,
) -> None:  # fmt: skip
    stream = SimpleNamespace(buffer=io.BytesIO(b""), isatty=lambda: False)
    monkeypatch.setattr(sys, "stdin", stream)
    before = sorted(p.name for p in Path(places["tmp"]).iterdir())
    assert main([word.format(**places) for word in typed.split()]) == 2
    shown = capsys.readouterr()
    assert told.format(**places) in shown.err
    assert shown.out == ""
    assert sorted(p.name for p in Path(places["tmp"]).iterdir()) == before
