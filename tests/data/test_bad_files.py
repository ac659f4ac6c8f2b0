"""Wrong files: each gives one clear message that names the place and what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from loading_examples import PAIRS, loaded, refused, write_lines

GOOD = json.dumps(PAIRS[0])


def test_a_missing_file_is_named_with_the_nearest_one(train: str) -> None:
    (problem,) = refused("translate", train="trian.jsonl")
    assert str(problem) == (
        "data.train: there is no file or folder trian.jsonl. Did you mean train.jsonl?"
    )


def test_a_missing_folder_says_where_relative_paths_start(tmp_path: Path) -> None:
    (problem,) = refused("translate", train="nowhere/a.jsonl")
    assert problem.remedy == f"Nor is the folder nowhere; relative paths start at {tmp_path}."


@pytest.mark.parametrize(
    ("name", "words"),
    [("a.txt", "of no supported format"), ("a.jsonl.gz", "is packed"), ("a.jsonl", "is empty")],
)
def test_a_file_that_cannot_be_read_is_refused(name: str, words: str) -> None:
    Path(name).write_text("" if words == "is empty" else "x")
    (problem,) = refused("translate", train=name)
    assert problem.where == "data.train"
    assert words in problem.what


def test_the_problems_of_all_splits_are_named_at_once(train: str) -> None:
    write_lines("bad.jsonl", [GOOD, "{oops"])
    write_lines("other.jsonl", [{"src": "a", "target": "b"}])
    problems = refused("translate", train=train, validation="bad.jsonl", test="other.jsonl")
    assert [problem.where for problem in problems] == ["bad.jsonl:2", "data.test"]


def test_a_broken_line_is_named_with_its_number() -> None:
    write_lines("bad.jsonl", [*[GOOD] * 4999, '{"source": "a", "target": }', GOOD])
    (problem,) = refused("translate", train="bad.jsonl")
    assert problem.where == "bad.jsonl:5000"
    assert problem.what == "is no valid JSON: Expecting value (column 27)"


def test_blank_lines_count_as_lines_but_not_as_rows() -> None:
    write_lines("bad.jsonl", [GOOD, "", "  ", "{oops"])
    (problem,) = refused("translate", train="bad.jsonl")
    assert problem.where == "bad.jsonl:4"


def test_many_broken_lines_are_counted() -> None:
    write_lines("bad.jsonl", [GOOD, *["{oops"] * 10])
    problems = refused("translate", train="bad.jsonl")
    assert [problem.where for problem in problems] == [f"bad.jsonl:{n}" for n in (2, 3, 4)]
    assert problems[-1].what.endswith("(and 7 more)")


@pytest.mark.parametrize(
    ("line", "kind"), [("[1, 2]", "a list"), ('"text"', "a text"), ("3", "a number")]
)
def test_a_line_that_is_no_object_is_refused(line: str, kind: str) -> None:
    (problem,) = refused("translate", train=write_lines("bad.jsonl", [GOOD, line]))
    assert problem.where == "bad.jsonl:2"
    assert problem.what == f"holds {kind}, not an object"


def test_pretty_printed_json_named_jsonl_is_recognised() -> None:
    Path("pretty.jsonl").write_text(json.dumps(PAIRS, indent=1))
    (problem,) = refused("translate", train="pretty.jsonl")
    assert str(problem) == (
        "pretty.jsonl:1: is JSON over several lines, not one object a line. Name the file .json."
    )


def test_broken_json_names_the_line() -> None:
    Path("bad.json").write_text('[\n{"source": "a"},\n{"source": }\n]')
    (problem,) = refused("translate", train="bad.json")
    assert problem.where == "bad.json:3"


def test_json_without_a_list_is_refused() -> None:
    Path("bad.json").write_text('{"rows": []}')
    (problem,) = refused("translate", train="bad.json")
    assert "neither a list of objects nor an object with a list named data" in problem.what


def test_text_that_is_not_utf8_is_named_with_line_and_byte() -> None:
    good = b'{"source": "a", "target": "b"}\n'
    Path("latin.jsonl").write_bytes(good + '{"source": "é"}\n'.encode("latin-1"))
    (problem,) = refused("translate", train="latin.jsonl")
    assert problem.where == "latin.jsonl:2"
    assert problem.what == "is not UTF-8: byte 0xe9 at position 13"
    assert "iconv" in problem.remedy


def test_utf16_is_recognised() -> None:
    Path("wide.csv").write_bytes("source,target\na,b\n".encode("utf-16"))
    (problem,) = refused("translate", train="wide.csv")
    assert problem.what == "is UTF-16, not UTF-8"


def test_a_file_that_is_no_parquet_is_refused() -> None:
    Path("bad.parquet").write_text("hello")
    (problem,) = refused("translate", train="bad.parquet")
    assert problem.where == "bad.parquet"
    assert "is no readable Parquet file" in problem.what


def test_a_row_with_too_many_cells_is_named() -> None:
    Path("bad.csv").write_text("source,target\na,b\nc,d,e\n")
    (problem,) = refused("translate", train="bad.csv")
    assert problem.where == "bad.csv:3"
    assert problem.what == "has 3 cells where the header has 2"


def test_an_open_quote_does_not_swallow_rows() -> None:
    Path("bad.csv").write_text('source,target\n"Hi,Salut\n"Yo,Yo\n')
    problems = refused("translate", train="bad.csv")
    assert problems[0].where == "bad.csv:2"
    assert "unbalanced quotes" in problems[0].what


def test_a_column_named_twice_is_refused() -> None:
    Path("bad.csv").write_text("source,source\na,b\n")
    (problem,) = refused("translate", train="bad.csv")
    assert problem.what == "names the column 'source' twice"


def test_a_missing_column_lists_those_there_are_and_the_remedy() -> None:
    path = write_lines("news.jsonl", [{"article": "Long.", "summry": "Short.", "n": {"x": "y"}}])
    problems = refused("summarize", train=path)
    assert [str(problem) for problem in problems] == [
        "data.train: news.jsonl has no column document; it has article, summry, n, n.x. "
        "Set data.fields.document=COLUMN.",
        "data.train: news.jsonl has no column summary; it has article, summry, n, n.x. "
        "Did you mean summry? Set data.fields.summary=summry.",
    ]


def test_a_missing_nested_column_lists_the_nested_ones() -> None:
    path = write_lines("t.jsonl", [{"translation": {"en": "a", "fr": "b"}}])
    fields = {"source": "translation.en", "target": "translation.de"}
    (problem,) = refused("translate", train=path, fields=fields)
    assert "translation.en, translation.fr" in problem.what


def test_an_object_where_text_belongs_names_the_row() -> None:
    rows = [PAIRS[0], {"source": "a", "target": {"fr": "b"}}]
    (problem,) = refused("translate", train=write_lines("bad.jsonl", rows))
    assert problem.where == "bad.jsonl:2"
    assert problem.what == "target: a text is expected, not an object ({'fr': 'b'})"
    assert "data.fields.target=COLUMN" in problem.remedy


def test_rows_with_empty_fields_are_skipped_and_counted() -> None:
    empty = [{"source": "a", "target": t} for t in ("", None, " \t\u3000")]
    path = write_lines("some.jsonl", [*PAIRS * 3, *empty, {"target": "x"}])
    found = loaded("translate", train=path)
    line = "data.train: 4 of 124 rows skipped: source is empty (1), target is empty (3)"
    assert found.said[0] == line


def test_too_many_empty_rows_stop_the_run() -> None:
    path = write_lines("some.jsonl", [*PAIRS[:9], {"source": "a", "target": ""}])
    (problem,) = refused("translate", train=path)
    assert problem.where == "data.train"
    assert problem.what == "1 of 10 rows are unusable: target is empty (1)"
    assert "data.max_skipped_share (now 0.05)" in problem.remedy
    assert len(loaded("translate", train=path, max_skipped_share=0.1).rows()) == 7


@pytest.mark.parametrize("rows", [[], [{"source": "", "target": ""}]])
def test_an_empty_split_is_refused(three: dict[str, str], rows: list[dict[str, str]]) -> None:
    write_lines("test.jsonl", [*rows, ""])
    (problem,) = refused("translate", **three, max_skipped_share=1.0)
    assert problem.where == "data.test"
    assert "is an empty split" in problem.what


def test_a_header_alone_is_an_empty_split() -> None:
    Path("head.csv").write_text("source,target\n")
    (problem,) = refused("translate", train="head.csv")
    assert "is an empty split" in problem.what


def test_test_rows_given_as_train_are_refused(train: str) -> None:
    (problem,) = refused("translate", train=train, test=f"./{train}")
    assert problem.where == "data.test"
    assert problem.what == "./train.jsonl is given as data.train too"


def test_a_copy_of_the_test_file_is_refused_as_train(three: dict[str, str]) -> None:
    Path("copy.jsonl").write_bytes(Path(three["train"]).read_bytes())
    (problem,) = refused("translate", **{**three, "test": "copy.jsonl"})
    assert "given as data.train too" in problem.what


def test_a_folder_that_holds_the_test_file_is_refused_as_train() -> None:
    write_lines("all/train.jsonl", PAIRS)
    write_lines("all/test.jsonl", PAIRS[:5])
    (problem,) = refused("translate", train="all", test="all/test.jsonl")
    assert problem.where == "data.test"


def test_a_cache_that_cannot_be_written_is_named(
    train: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import datasets

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file")
    (problem,) = refused("translate", train=train)
    assert problem.where == "HF_HOME"


def test_nothing_half_read_stays_in_the_cache() -> None:
    import datasets

    refused("translate", train=write_lines("bad.jsonl", [GOOD, "{oops"]))
    assert list((Path(datasets.config.HF_DATASETS_CACHE) / "tunebook").iterdir()) == []
