"""The readers of JSON and YAML: every broken or hostile file ends in one line."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tunebook.documents import (
    BrokenDocument,
    json_lines,
    parse_json,
    parse_yaml,
    read_json,
    read_text,
    read_yaml,
    yaml_lines,
)

LAUGH = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)
)
BROKEN_YAML = {
    "a: 1\nb: [": "f:3: is no valid YAML: did not find expected node content",
    "- 1": "f: holds a list, not keys with values",
    "": "f: holds nothing (null), not keys with values",
    "a: &a [*a]": "f:1: refers to itself",
    "a: &a {b: *a}": "f:1: refers to itself",
    LAUGH: "f:5: comes to more than 100,000 values",
    "- " * 300 + "a": "f:1: is nested more than 100 deep",
    "[" * 100_000: "f:1: is no valid YAML: exceeded maximum nesting depth",
    "a: 1\nseed: 010": "f:2: 010 is another number in YAML than it seems",
    "a: 1:30": "f:1: 1:30 is another number in YAML than it seems",
    f"a: {'9' * 5000}": "f:1: holds a number of 5,000 digits",
    "a: 1\na: 2": "f:2: gives the key a twice",
    "? [1]\n: 2": "f:1: has a key that is no word",
    "a: !!python/object/apply:os.system [ls]": "f:1: has the tag tag:yaml.org,2002:python",
    "a: !!set {b}": "f:1: has the tag tag:yaml.org,2002:set",
    "a: !!int x": "f: is no valid YAML: invalid literal for int()",
    "a: \x00": "f: is no valid YAML: control characters are not allowed",
    "a: \ud800": "f: holds half a character",
    "a: 1\n---\nb: 1": "f:2: is no valid YAML: but found another document",
}
BROKEN_JSON: dict[str | bytes, str] = {
    '{"a": 1': "f: is no valid JSON: Expecting ',' delimiter (column 8)",
    '{"a": 1,\n}': "f:2: is no valid JSON",
    "[1]": "f: holds a list, not an object",
    "[" * 100_000: "f: is nested more than 100 deep",
    '{"a": ' * 150 + "1" + "}" * 150: "f: is nested more than 100 deep",
    '{"a": ' + "9" * 400 + "}": "f: holds a number of 400 digits",
    '{"a": ' + "9" * 5000 + "}": "f: holds a number of 5,000 digits",
    '{"a": "\\ud800"}': "f: holds half a character, \\ud800 without its pair",
    b'{"a":\n"\xe9"}': "f:2: is not UTF-8: byte 0xe9",
    '{"a": 1}'.encode("utf-16"): "f: is UTF-16, not UTF-8",
    "": "f: is no valid JSON",
}


def line_of(error: pytest.ExceptionInfo[BrokenDocument]) -> str:
    (problem,) = error.value.problems
    assert problem == error.value.problem
    assert "\n" not in str(problem)
    return str(problem)


@pytest.mark.parametrize("text", BROKEN_YAML, ids=lambda text: repr(text[:24]))
def test_yaml_that_cannot_be_read(text: str) -> None:
    with pytest.raises(BrokenDocument) as error:
        parse_yaml(text, "f")
    assert line_of(error).startswith(BROKEN_YAML[text])


@pytest.mark.parametrize("text", BROKEN_JSON, ids=lambda text: repr(text[:24]))
def test_json_that_cannot_be_read(text: str | bytes) -> None:
    with pytest.raises(BrokenDocument) as error:
        parse_json(text, "f", dict)
    assert line_of(error).startswith(BROKEN_JSON[text])


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_what_is_no_number_is_read_only_where_it_may_be(number: str) -> None:
    assert parse_json(number, "f", float) != 0
    with pytest.raises(BrokenDocument, match=r"no number|beyond every number"):
        parse_json(number, "f", finite=True)


def test_what_is_read_as_it_stands() -> None:
    assert parse_json('{"a": "\\ud83d\\ude00", "n": 123}', "f") == {"a": "😀", "n": 123}
    assert parse_json(b'\xef\xbb\xbf{"a": 1}', "f") == {"a": 1}
    assert parse_json("\ufeff[]", "f") == []
    assert parse_yaml("a: &x {b: 1e-3}\nc: *x\nd: 2001-02-03", "f") == {
        "a": {"b": 0.001}, "c": {"b": 0.001}, "d": "2001-02-03",
    }  # fmt: skip
    assert parse_yaml("seed: 0,1\nrate: 1e-3\nn: 010", "f", as_text=True) == {
        "seed": "0,1", "rate": "1e-3", "n": "010",
    }  # fmt: skip
    assert parse_yaml(json.dumps({"a": {"b": [1, "x", None]}}), "f") == {"a": {"b": [1, "x", None]}}


def test_lines_of_keys() -> None:
    _, lines = yaml_lines("a: 1\nb:\n  c:\n    - x\n    - d: 2\n", "f")
    assert lines == {"a": 1, "b": 2, "b.c": 3, "b.c.0": 4, "b.c.1": 5, "b.c.1.d": 5}


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large.yaml").write_text("a" * 2_000_000)
    wrong = {
        tmp_path: "is a folder, not a file",
        tmp_path / "pipe": "is a pipe, not a file",
        Path("/dev/null"): "is a device, not a file",
        tmp_path / ("a" * 300): "cannot be read: File name too long",
        tmp_path / "absent": "cannot be read: No such file or directory",
        tmp_path / "a\x00b": "is no path",
        tmp_path / "\ud800": "is no path",
        tmp_path / "large.yaml": "holds 2,000,000 bytes, more than the 1,048,576 that are read",
    }
    for path, what in wrong.items():
        with pytest.raises(BrokenDocument, match=what):
            read_yaml(path)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('{"a": 1}\n\n{"a": 2}\n[3]\n')
    rows = json_lines(file)
    assert [next(rows), next(rows)] == [(1, {"a": 1}), (3, {"a": 2})]
    with pytest.raises(BrokenDocument, match=r"rows.jsonl:4: holds a list, not an object"):
        next(rows)
    (tmp_path / "one.json").write_text('{"a": 1}')
    assert read_json(tmp_path / "one.json", dict) == {"a": 1}
    assert read_text(tmp_path / "one.json") == '{"a": 1}'
