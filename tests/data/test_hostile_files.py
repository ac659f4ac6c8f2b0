"""Seeded mutations of small good files: each loads, or one line says with file what is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loading_examples import loaded

from tunebook.data import files
from tunebook.data.faults import Faults
from tunebook.data.formats import read_file
from tunebook.errors import RequestError

ROWS: dict[str, list[dict[str, Any]]] = {
    "translate": [{"source": f"The cat {i}, é.", "target": f"Le chat {i}."} for i in range(12)],
    "qa": [{"id": str(i), "context": f"Rome {i}.", "question": "Where?", "answers": [f"R{i}"]}
           for i in range(12)],
    "dialogue": [{"messages": [{"role": "user", "content": f"q{i}"},
                               {"role": "assistant", "content": f"a{i}"}]} for i in range(12)],
}  # fmt: skip
FIELDS = {"dialogue": {"history": "messages", "response": "messages"}}
SQUAD = {"data": [{"title": "T", "paragraphs": [{"context": row["context"], "qas": [row]}]}
                  for row in ROWS["qa"]]}  # fmt: skip
VALUES = [
    "null", "true", "-1", "1e999", "NaN", "-Infinity", "9" * 5000, '""', '" "', "[]", "{}",
    '"\\ud800"', '"\\u0000"', "[[[]]]", '{"a": 1}', "[" * 3000 + "]" * 3000, '{"a":' * 500 + "1"
    + "}" * 500, '"' + "x" * 70000 + '"', "[1, null, {}]", '[{"role": 3, "content": []}]',
    '[{"role": {"role": {}}, "content": "x"}, {"role": [], "text": "y"}]', '"[\'a\', {\'b\': ["',
    '{"text": {"text": {"text": 1}}}', '[{"content": {"text": "x"}}]', '{"x": [1], "y": ["a"]}',
]  # fmt: skip
BYTES = [
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b'"', b"\r", b"\n", b"\t", b",", b";", b"\\",
    b"{", b"}", b"[", b"]", b"\xed\xa0\x80", b"\x1b[2J", b"\xe2\x80\xa8", b"'", b"\x1a", b"PAR1",
]  # fmt: skip


def cells(rows: list[dict[str, Any]], separator: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, row_group_size=5)
    return file.getvalue()


GOOD: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    ".jsonl": lambda rows: "".join(json.dumps(row) + "\n" for row in rows).encode(),
    ".json": lambda rows: json.dumps(rows, indent=1).encode(),
    ".csv": lambda rows: cells(rows, ","),
    ".tsv": lambda rows: cells(rows, "\t"),
    ".parquet": parquet,
}


def mutated(content: bytes, draw: random.Random) -> bytes:
    """One to three changes of bytes or, in text, of values."""
    for _ in range(draw.randint(1, 3)):
        at, size = draw.randrange(len(content) + 1), draw.choice([1, 2, 9, 100])
        kind = draw.randrange(6)
        if kind == 0:
            content = content[:at] + draw.choice(BYTES) + content[at:]
        elif kind == 1:
            content = content[:at] + content[at + size :]
        elif kind == 2:
            content = content[:at]
        elif kind == 3:
            content = content[:at] + bytes(draw.randrange(256) for _ in range(size)) + content[at:]
        elif kind == 4:
            content += content[at : at + 200]
        elif found := list(re.finditer(rb'"[^"\n]*"|\d+', content)):
            one = draw.choice(found)
            value = draw.choice(VALUES).encode()
            content = content[: one.start()] + value + content[one.end() :]
    return content


def check(kind: str, path: Path, named: str = "") -> str:
    """What was wrong, in lines that name the file; nothing where it loads."""
    try:
        loaded(kind, train=str(path), fields=FIELDS.get(kind, {}), max_skipped_share=1.0)
    except RequestError as error:
        for problem in error.problems:
            line = str(problem)
            assert len(line.splitlines()) == 1
            assert len(line) < 1500
            assert (named or path.name) in line or problem.where.startswith("data.")
        return str(error)
    return ""


@pytest.mark.parametrize("suffix", GOOD)
@pytest.mark.parametrize("kind", ROWS)
def test_a_mutated_file_loads_or_is_refused_in_a_line(
    kind: str, suffix: str, tmp_path: Path
) -> None:
    draw = random.Random(f"{kind}{suffix}")
    content = GOOD[suffix](ROWS[kind])
    path = tmp_path / f"rows{suffix}"
    for _ in range(20):
        path.write_bytes(mutated(content, draw) or b" ")
        check(kind, path)


def test_mutated_squad_files_and_references_load_or_are_refused(tmp_path: Path) -> None:
    draw = random.Random("beside")
    squad, beside = tmp_path / "squad.json", tmp_path / "rows.references.jsonl"
    (tmp_path / "rows.jsonl").write_bytes(GOOD[".jsonl"](ROWS["translate"]))
    references = GOOD[".jsonl"]([{"references": ["a", "b"]}] * 12)
    for _ in range(20):
        squad.write_bytes(mutated(json.dumps(SQUAD).encode(), draw) or b" ")
        check("qa", squad)
        beside.write_bytes(mutated(references, draw))
        check("translate", tmp_path / "rows.jsonl", "references")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kind", ROWS)
def test_any_value_may_stand_in_any_field(kind: str, value: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(row) for row in ROWS[kind]]
    lines += [
        json.dumps({**ROWS[kind][0], name: "@"}).replace('"@"', value)
        for name in (*ROWS[kind][0], "id", "other")
    ]
    path.write_text("\n".join(lines))
    check(kind, path)


def test_text_in_parquet_that_is_not_utf8_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    wrong = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    pq.write_table(pa.table({"source": wrong, "target": pa.array(["a", "b", "c"])}), path)
    assert check("translate", path).startswith(f"{path}, row 2: holds text that is not UTF-8")


def test_a_column_that_stands_twice_in_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "twice.parquet"
    column = pa.array(["a", "b"])
    pq.write_table(pa.Table.from_arrays([column] * 3, ["source", "target", "target"]), path)
    assert "names the column 'target' twice" in check("translate", path)


def test_dates_that_no_text_can_be_are_named(tmp_path: Path) -> None:
    path = tmp_path / "dates.parquet"
    days = pa.array([2**62], pa.timestamp("us"))
    pq.write_table(pa.table({"source": days, "target": pa.array(["a"])}), path)
    assert "source" in check("translate", path)


def test_many_rows_of_nothing_are_refused(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tunebook.data.formats.MOST_ROWS", 2)
    path = tmp_path / "many.parquet"
    path.write_bytes(parquet(ROWS["translate"]))
    assert "holds 12 rows, more than the 2 that are read" in check("translate", path)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv"])
def test_a_line_too_long_to_be_a_row_is_refused(
    suffix: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("tunebook.data.formats.LONGEST_LINE", 100)
    path = tmp_path / f"long{suffix}"
    path.write_bytes(GOOD[suffix]([*ROWS["translate"], {"source": "x" * 200, "target": "y"}]))
    assert "is longer than the 100 bytes" in check("translate", path)


def test_long_rows_are_read_a_few_at_a_time(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("tunebook.data.formats.MOST_AT_ONCE", 200)
    for suffix, good in GOOD.items():
        path = tmp_path / f"rows{suffix}"
        path.write_bytes(good(ROWS["translate"]))
        sizes = [len(batch) for batch in read_file(path, path.name, Faults())]
        assert sum(sizes) == 12
        assert suffix == ".json" or max(sizes) < 12


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "gone.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "loop.jsonl").symlink_to(tmp_path / "loop.jsonl")
    for given, words in [
        (tmp_path / "pipe.jsonl", "pipe.jsonl is a pipe, not a file"),
        (tmp_path / "link.jsonl", "gone.jsonl, which does not exist"),
        (tmp_path / "loop.jsonl", "loop.jsonl"),
        (tmp_path / "folder.jsonl", "holds no JSONL"),
        (Path("/dev/null.jsonl"), "no file or folder"), (Path("/dev/zero"), "is a device"),
        (tmp_path / ("x" * 300 + ".jsonl"), "cannot be read: File name too long"),
        (Path("~nobody-of-this-name/x.jsonl"), "nobody-of-this-name"), (Path("a\0b"), "a\0b"),
        (tmp_path / ("y/" * 3000), "File name too long"), (tmp_path, "pipe.jsonl is a pipe"),
    ]:  # fmt: skip
        with pytest.raises(RequestError) as caught:
            loaded("translate", train=str(given))
        assert words in str(caught.value), given


def test_a_folder_beside_the_data_is_no_file_of_references(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD[".jsonl"](ROWS["translate"]))
    (tmp_path / "rows.references.jsonl").mkdir()
    assert "rows.references.jsonl is no file" in check("translate", path)


def test_a_long_name_leaves_no_room_for_references(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 245 + ".jsonl")
    path.write_bytes(GOOD[".jsonl"](ROWS["translate"]))
    assert check("translate", path) == ""


@pytest.mark.parametrize("moment", ["hash_of_files", "read_file"])
def test_a_file_that_vanishes_is_named(moment: str, tmp_path: Path, monkeypatch: Any) -> None:
    path, real = tmp_path / "rows.jsonl", getattr(files, moment)
    path.write_bytes(GOOD[".jsonl"](ROWS["translate"]))

    def vanish(*arguments: Any) -> Any:
        path.unlink()
        return real(*arguments)

    monkeypatch.setattr(files, moment, vanish)
    assert "rows.jsonl cannot be read: No such file" in check("translate", path).replace(":", "", 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD[".jsonl"](ROWS["translate"]))
    path.chmod(0)
    assert "cannot be read: Permission denied" in check("translate", path)
