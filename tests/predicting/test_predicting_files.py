"""predict_file: one row out for each row in, kept while it goes, continued after a stop."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prediction_rows import read_jsonl, rows, write_jsonl

from tunebook.errors import RequestError
from tunebook.predicting import Predictor, files, predict_file

GIVEN = [{"id": "a", "source": "the cat"}, {"source": " "}, {"id": 7, "source": "a dog in a boat"}]


def quiet(line: str) -> None:
    """Say nothing."""


@pytest.fixture
def run(run_of: Callable[..., Path]) -> Path:
    return run_of()


@pytest.fixture
def answers(run: Path) -> list[str]:
    return Predictor.open(run, quiet).predict([GIVEN[0], GIVEN[2]])


def write_parquet(path: Path, found: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([{"source": row["source"]} for row in found]), path)


WRITE = {
    "new.jsonl": write_jsonl,
    "new.json": lambda path, found: path.write_text(json.dumps(found)),
    "new.csv": lambda path, found: path.write_text(
        "source\n" + "".join(f'"{row["source"]}"\n' for row in found)
    ),
    "new.tsv": lambda path, found: path.write_text(
        "id\tsource\n" + "".join(f"{row.get('id', '')}\t{row['source']}\n" for row in found)
    ),
    "new.parquet": write_parquet,
    "new.txt": lambda path, found: path.write_text("".join(f"{row['source']}\n" for row in found)),
}
IDS = {"new.jsonl": ["a", 2, 7], "new.json": ["a", 2, 7], "new.tsv": ["a", 2, "7"]}


@pytest.mark.parametrize("name", WRITE)
def test_every_format_that_can_be_read(
    run: Path, answers: list[str], tmp_path: Path, name: str
) -> None:
    WRITE[name](tmp_path / name, GIVEN)
    said: list[str] = []
    written = predict_file(run, tmp_path / name, tmp_path / "out.jsonl", say=said.append)
    ids = IDS.get(name, [1, 2, 3])
    assert read_jsonl(written) == [
        {"id": ids[0], "prediction": answers[0]},
        {"id": ids[1], "prediction": None, "error": "source is empty"},
        {"id": ids[2], "prediction": answers[1]},
    ]
    assert said[-1] == f"wrote 3 rows to {written} (1 could not be answered: see their error)"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "out.jsonl"])


def test_every_format_that_can_be_written(run: Path, answers: list[str], tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "new.jsonl", GIVEN)
    table = [["id", "prediction", "error"], ["a", answers[0], ""], ["2", "", "source is empty"],
             ["7", answers[1], ""]]  # fmt: skip
    for name, delimiter in (("out.csv", ","), ("out.tsv", "\t")):
        with predict_file(run, source, tmp_path / name, say=quiet).open(newline="") as file:
            assert list(csv.reader(file, delimiter=delimiter)) == table
    text = predict_file(run, source, tmp_path / "out.txt", say=quiet).read_text()
    first, last = (" ".join(answer.splitlines()) for answer in answers)
    assert text == f"{first}\n\n{last}\n"


def test_columns_by_mapping_and_as_in_the_runs_data(
    run: Path, answers: list[str], tmp_path: Path
) -> None:
    source = write_jsonl(tmp_path / "new.jsonl", [{"pair": {"en": "the cat"}, "key": "k"}])
    mapping = {"source": "pair.en", "id": "key"}
    written = predict_file(run, source, tmp_path / "out.jsonl", fields=mapping, say=quiet)
    assert read_jsonl(written) == [{"id": "k", "prediction": answers[0]}]
    from tunebook.predicting import FinishedRun

    finished = FinishedRun.read(run)
    finished.settings.data.fields = {"source": "pair.en", "target": "pair.fr"}
    said: list[str] = []
    written = predict_file(finished, source, tmp_path / "two.jsonl", say=said.append)
    assert read_jsonl(written) == [{"id": 1, "prediction": answers[0]}]
    assert "source is read from the column pair.en, as in the run's data" in said


def test_conversations_without_and_with_their_last_answer(
    run_of: Callable[..., Path], tmp_path: Path
) -> None:
    from tunebook.predicting import FinishedRun

    finished = FinishedRun.read(run_of("lora", "llama", "dialogue"))
    finished.settings.data.fields = {"history": "messages", "response": "messages"}
    asked = [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "a dog"},
             {"role": "user", "content": "a big boat"}]  # fmt: skip
    answered = [*asked, {"role": "assistant", "content": "no"}]
    source = write_jsonl(tmp_path / "new.jsonl", [{"messages": asked}, {"messages": answered}])
    written = predict_file(finished, source, tmp_path / "out.jsonl", say=quiet)
    turns = [message["content"] for message in asked]
    wanted = Predictor.open(finished, quiet).predict([{"history": turns}])
    assert [row["prediction"] for row in read_jsonl(written)] == wanted * 2


@pytest.fixture
def stopped(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An input of 9 rows, answered up to row 4 when Ctrl-C came, and half a chunk behind it."""
    monkeypatch.setattr(files, "BATCHES_AT_ONCE", 1)
    source, answer = write_jsonl(tmp_path / "new.jsonl", rows("translate", 50, 9)), Predictor.answer
    calls: list[int] = []

    def stop_at_second(self: Predictor, chunk: Any, *more: Any) -> Any:
        calls.append(len(chunk))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return answer(self, chunk, *more)

    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "answer", stop_at_second)
        with pytest.raises(KeyboardInterrupt):
            predict_file(run, source, tmp_path / "out.jsonl", say=quiet)
    assert calls == [4, 4]
    with (tmp_path / "out.jsonl.part").open("a") as part:
        part.write('{"id": 5, "predi')
    return source


def test_an_interrupted_file_is_continued(
    run: Path, stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not (tmp_path / "out.jsonl").exists()
    answer, said, calls = Predictor.answer, [], []

    def counting(self: Predictor, chunk: Any, *more: Any) -> Any:
        calls.append(len(chunk))
        return answer(self, chunk, *more)

    monkeypatch.setattr(Predictor, "answer", counting)
    written = predict_file(run, stopped, tmp_path / "out.jsonl", say=said.append)
    assert calls == [4, 1]
    assert any("holds 4 rows already" in line for line in said)
    after = [row["after"] for row in read_jsonl(run / "predictions.jsonl")]
    assert read_jsonl(written) == [{"id": i, "prediction": t} for i, t in enumerate(after, 1)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new.jsonl", "out.jsonl"]


def test_a_changed_input_starts_again(run: Path, stopped: Path, tmp_path: Path) -> None:
    write_jsonl(stopped, rows("translate", 70, 2))
    said: list[str] = []
    written = predict_file(run, stopped, tmp_path / "out.jsonl", say=said.append)
    assert any("out.jsonl.part is of another input: starting again" in line for line in said)
    wanted = Predictor.open(run, quiet).predict(rows("translate", 70, 2))
    assert [row["prediction"] for row in read_jsonl(written)] == wanted


def test_another_run_starts_again(
    run_of: Callable[..., Path], stopped: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    written = predict_file(run_of("prompt"), stopped, tmp_path / "out.jsonl", say=said.append)
    assert any("is of another run: starting again" in line for line in said)
    after = [row["after"] for row in read_jsonl(run_of("prompt") / "predictions.jsonl")]
    assert [row["prediction"] for row in read_jsonl(written)] == after


def test_a_finished_output_is_kept(run: Path, tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "new.jsonl", GIVEN)
    (tmp_path / "out.jsonl").write_text("mine")
    with pytest.raises(RequestError, match=r"is there already.*--overwrite"):
        predict_file(run, source, tmp_path / "out.jsonl", say=quiet)
    assert (tmp_path / "out.jsonl").read_text() == "mine"
    predict_file(run, source, tmp_path / "out.jsonl", overwrite=True, say=quiet)
    assert len(read_jsonl(tmp_path / "out.jsonl")) == 3
    with pytest.raises(RequestError, match="is the input file too"):
        predict_file(run, source, source, overwrite=True, say=quiet)


def test_two_at_once_are_refused(run: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    source = write_jsonl(tmp_path / "new.jsonl", GIVEN)
    with (
        FileLock(tmp_path / "out.jsonl.part.lock"),
        pytest.raises(RequestError, match="another process"),
    ):
        predict_file(run, source, tmp_path / "out.jsonl", say=quiet)


BAD = {
    "broken JSON": ("new.jsonl", '{"source": "a"}\n{"source": \n', r"new.jsonl:2: is no valid"),
    "no text": ("new.jsonl", '{"source": "a"}\n{"source": {"a": 1}}\n', r"jsonl:2: source: a te"),
    "no column": ("new.jsonl", '{"sources": "a"}\n', r"no column source; it has sources. Add --f"),
    "no rows": ("new.jsonl", "\n", "holds no rows"),
    "no rows in CSV": ("new.csv", "source\n", "holds no rows"),
    "ragged CSV": ("new.csv", "id,source\n1,a\n2,b,c\n", r"new.csv:3: has 3 cells"),
    "not UTF-8": ("new.txt", b"a\n\xff\n", r"new.txt:2: is not UTF-8: byte 0xff"),
    "format": ("new.xml", "<a/>", "must end in .jsonl"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_before_anything_is_written(
    run: Path, tmp_path: Path, case: str
) -> None:
    name, content, message = BAD[case]
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(data)
    with pytest.raises(RequestError, match=message):
        predict_file(run, tmp_path / name, tmp_path / "out.jsonl", say=quiet)
    assert [p.name for p in tmp_path.iterdir()] == [name]
