"""Files of every format, and every shape that a field may have in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loading_examples import PAIRS, loaded, refused, write_lines


def write_cells(path: str, separator: str) -> str:
    lines = [separator.join(pair.values()) for pair in [{"a": "source", "b": "target"}, *PAIRS]]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_format(suffix: str) -> str:
    path = f"pairs{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(PAIRS), path, row_group_size=7)
    elif suffix in (".csv", ".tsv"):
        write_cells(path, "," if suffix == ".csv" else "\t")
    elif suffix == ".json":
        Path(path).write_text(json.dumps(PAIRS, indent=1), encoding="utf-8")
    else:
        write_lines(path, PAIRS)
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet"])
def test_every_format_gives_the_same_rows(suffix: str) -> None:
    found = loaded("translate", train=write_format(suffix))
    rows = [r for s in ("train", "validation", "test") for r in found.rows(s)]
    rows.sort(key=lambda row: int(row["id"].removeprefix("train-")))
    assert [{"source": r["source"], "target": r["target"]} for r in rows] == PAIRS


def test_an_object_with_a_data_list_is_read() -> None:
    Path("pairs.json").write_text(json.dumps({"version": 1, "data": PAIRS}), encoding="utf-8")
    assert len(loaded("translate", train="pairs.json").rows()) == 32


def test_a_json_file_of_lines_is_read_as_jsonl_and_said() -> None:
    found = loaded("translate", train=write_lines("pairs.json", PAIRS))
    assert len(found.rows()) == 32
    assert found.heard("data.train: pairs.json holds one object a line: it is read as JSONL")


def test_a_byte_order_mark_and_windows_newlines_are_no_part_of_the_text() -> None:
    lines = "\r\n".join(json.dumps(pair) for pair in PAIRS)
    Path("a.jsonl").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    assert loaded("translate", train="a.jsonl").rows()[0]["target"].endswith(".")
    cells = "\r\n".join(["source,target", *(",".join(pair.values()) for pair in PAIRS)])
    Path("a.csv").write_bytes(b"\xef\xbb\xbf" + cells.encode())
    assert loaded("translate", train="a.csv").rows()[0]["target"].endswith(".")


def test_cells_are_text_as_they_stand(three: dict[str, str]) -> None:
    text = 'source,target\n007,NA\n"two\nlines","a ""b"", c"\n1.50,null\n'
    Path("cells.csv").write_text(text)
    found = loaded("translate", **{**three, "test": "cells.csv"})
    assert [(row["source"], row["target"]) for row in found.rows("test")] == [
        ("007", "NA"), ("two\nlines", 'a "b", c'), ("1.50", "null"),
    ]  # fmt: skip


def test_line_separators_inside_a_json_text_stay(three: dict[str, str]) -> None:
    write_lines("test.jsonl", [{"source": "one\u2028two\x85three", "target": "x"}])
    assert loaded("translate", **three).rows("test")[0]["source"] == "one\u2028two\x85three"


def test_half_a_surrogate_pair_is_replaced_and_said(three: dict[str, str]) -> None:
    write_lines("test.jsonl", ['{"source": "bad \\ud83d here", "target": "ok \\ud83d\\ude00"}'])
    found = loaded("translate", **three)
    row = found.rows("test")[0]
    assert (row["source"], row["target"]) == ("bad \ufffd here", "ok \U0001f600")
    assert found.heard("U+FFFD")


def test_numbers_become_text_and_it_is_said(three: dict[str, str]) -> None:
    write_lines("test.jsonl", [{"source": 3, "target": 1.5}])
    found = loaded("translate", **three)
    assert found.rows("test")[0]["source"] == "3"
    assert found.rows("test")[0]["target"] == "1.5"
    assert found.heard("data.test: source holds numbers")


def test_a_folder_of_files_is_one_split_in_order_of_name() -> None:
    write_lines("parts/b.jsonl", PAIRS[20:])
    write_lines("parts/a.jsonl", PAIRS[:20])
    write_lines("parts/a.references.jsonl", [{"references": ["x", "y"]}] * 20)
    Path("parts/README.md").write_text("not data")
    found = loaded("translate", train="parts")
    rows = {row["id"]: row for s in ("train", "validation", "test") for row in found.rows(s)}
    assert len(rows) == 40
    assert rows["train-21"]["source"] == PAIRS[20]["source"]
    assert rows["train-1"]["references"] == ["x", "y"]
    assert rows["train-21"]["references"] is None
    assert found.heard("2 files of the folder parts: a.jsonl, b.jsonl")


def test_a_folder_of_mixed_formats_is_refused() -> None:
    write_lines("parts/a.jsonl", PAIRS)
    write_lines("parts/b.csv", ["source,target"])
    (problem,) = refused("translate", train="parts")
    assert problem.where == "data.train"
    assert "mixes formats: .csv, .jsonl" in problem.what


def test_a_folder_without_data_is_refused() -> None:
    Path("empty").mkdir()
    (problem,) = refused("translate", train="empty")
    assert "holds no JSONL, JSON, CSV, TSV or Parquet file" in problem.what


def test_fields_map_to_columns_and_into_nested_ones(three: dict[str, str]) -> None:
    rows = [{"translation": {"en": pair["source"], "fr": pair["target"]}} for pair in PAIRS]
    fields = {"source": "translation.en", "target": "translation.fr"}
    path = write_lines("nested.jsonl", rows)
    pq.write_table(pa.Table.from_pylist(rows), "nested.parquet")
    first, second = (loaded("translate", train=p, fields=fields) for p in (path, "nested.parquet"))
    assert first.rows() == second.rows()
    assert first.rows("test")[0]["target"].startswith("Le chat")


def test_a_column_whose_own_name_has_a_dot_is_found(three: dict[str, str]) -> None:
    rows = [{"t.en": pair["source"], "t.fr": pair["target"]} for pair in PAIRS]
    fields = {"source": "t.en", "target": "t.fr"}
    assert (
        len(loaded("translate", train=write_lines("dots.jsonl", rows), fields=fields).rows()) == 32
    )


def test_a_place_in_a_list_can_be_a_field() -> None:
    rows = [{"texts": [pair["source"], pair["target"]]} for pair in PAIRS]
    fields = {"source": "texts.0", "target": "texts.1"}
    found = loaded("translate", train=write_lines("lists.jsonl", rows), fields=fields)
    assert found.rows("test")[0]["target"].startswith("Le chat")


ANSWERS: list[tuple[Any, list[str]]] = [
    (["Rome", "in Rome"], ["Rome", "in Rome"]),
    ({"text": ["Rome", "in Rome"], "answer_start": [3, 0]}, ["Rome", "in Rome"]),
    ({"text": [], "answer_start": []}, []),
    ([{"text": "Rome", "answer_start": 3}], ["Rome"]),
    ("Rome", ["Rome"]),
    ('["Rome", "in Rome"]', ["Rome", "in Rome"]),
    (1960, ["1960"]),
    (["", None], []),
    ([], []),
    (None, []),
]


@pytest.mark.parametrize(("given", "answers"), ANSWERS)
def test_answers_have_many_shapes(given: Any, answers: list[str]) -> None:
    base = {"context": "It is in Rome.", "question": "Where?", "answers": given}
    files = {
        split: write_lines(f"{split}.jsonl", [{**base, "context": f"{split} is in Rome."}])
        for split in ("train", "validation", "test")
    }
    assert loaded("qa", **files).rows("test")[0]["answers"] == answers


HISTORIES: list[Any] = [
    ["Hello.", "Hi!"],
    "Hello.\nHi!\n",
    [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hi!"}],
    [{"from": "human", "value": "Hello."}, {"from": "gpt", "value": "Hi!"}],
    [{"role": "user", "content": [{"type": "text", "text": "Hello."}]}, "Hi!"],
]


@pytest.mark.parametrize("given", HISTORIES)
def test_histories_have_many_shapes(given: Any) -> None:
    files = {
        split: write_lines(f"{split}.jsonl", [{"history": given, "response": split}])
        for split in ("train", "validation", "test")
    }
    row = loaded("dialogue", **files).rows("test")[0]
    assert row == {"id": "test-1", "history": ["Hello.", "Hi!"], "response": "test"}


def test_references_beside_a_file_are_picked_up_and_said(three: dict[str, str]) -> None:
    references = [{"references": [f"Un chien {i}", f"Le chien {i}"]} for i in range(10)]
    write_lines("test.references.jsonl", references)
    found = loaded("translate", **three, limit={"test": 4})
    assert found.heard("data.test: references from test.references.jsonl, beside test.jsonl")
    for row in found.rows("test"):
        assert row["references"] == references[int(row["id"][5:]) - 1]["references"]
    assert "references" not in found.examples.train.column_names


def test_references_stay_aligned_when_rows_are_skipped(three: dict[str, str]) -> None:
    rows = [{"source": "", "target": "x"}, {"source": "Kept.", "target": "y"}]
    write_lines("test.jsonl", rows)
    write_lines("test.references.jsonl", [{"references": ["no"]}, {"references": ["yes"]}])
    found = loaded("translate", **three, max_skipped_share=0.5)
    assert found.rows("test") == [
        {"id": "test-2", "source": "Kept.", "target": "y", "references": ["yes"]}
    ]


@pytest.mark.parametrize(("count", "words"), [(9, "fewer rows"), (11, "11 rows of references")])
def test_a_wrong_number_of_references_is_refused(
    three: dict[str, str], count: int, words: str
) -> None:
    write_lines("test.references.jsonl", [{"references": ["x"]}] * count)
    (problem,) = refused("translate", **three)
    assert problem.where == "test.references.jsonl"
    assert words in problem.what


def test_references_without_their_key_are_refused(three: dict[str, str]) -> None:
    write_lines("test.references.jsonl", [{"refs": ["x"]}] * 10)
    problems = refused("translate", **three)
    assert problems[0].where == "test.references.jsonl:1"
    assert "has no key references" in problems[0].what


def test_a_column_of_references_is_used_when_it_is_named(three: dict[str, str]) -> None:
    row = {"source": "A fox.", "target": "Un renard.", "others": ["Un renard.", "Le renard."]}
    for name in three.values():
        write_lines(name, [{**row, "source": name}])
    found = loaded("translate", **three, fields={"references": "others"})
    assert found.rows("test")[0]["references"] == ["Un renard.", "Le renard."]


def test_a_column_called_references_is_only_pointed_out(three: dict[str, str]) -> None:
    write_lines("test.jsonl", [{"source": "a", "target": "b", "references": ["[1] Smith"]}])
    found = loaded("translate", **three)
    assert found.examples.test.column_names == ["id", "source", "target"]
    assert found.heard("data.test: the column references is not used")
