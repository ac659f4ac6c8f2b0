"""Files of rows to answer, read without any model."""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tunebook.errors import RequestError
from tunebook.predicting.inputs import InputFile, open_input
from tunebook.tasks import Task, options_of, task_of


def task_named(kind: str) -> Task:
    options = options_of(kind)(name=kind, kind=kind, instruction="Do it.", headline="any")
    return task_of(options)


def opened(path: str | Path, kind: str = "summarize", **fields: str) -> InputFile:
    run = SimpleNamespace(task=task_named(kind), columns=fields, path=Path("run"))
    return open_input(path, {"run": run}, {}, lambda line: None)


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_one_object_in_a_json_file_is_one_row(tmp_path: Path) -> None:
    (tmp_path / "row.json").write_text('{"document": "blue lamp sat."}')
    (row,) = opened(tmp_path / "row.json").rows()
    assert (row.id, row.fields["run"]) == (1, {"document": "blue lamp sat."})


def test_one_pretty_printed_conversation_is_one_row(tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    (tmp_path / "talk.json").write_text(json.dumps({"messages": talk}, indent=1))
    fields = {"history": "messages", "response": "messages"}
    (row,) = opened(tmp_path / "talk.json", "dialogue", **fields).rows()
    assert row.fields["run"] == {"history": ["q"]}


@pytest.mark.parametrize(("ids", "named"), [
    ([None, None], [1, 2]), (["a", None], ["a", 2]), ([2, None, 1], [2, "row 2", 1]),
    (["3", "x", None], ["3", "x", "row 3"]), ([5, 5], [5, 5]),
])  # fmt: skip
def test_no_row_without_an_id_gets_that_of_another(
    tmp_path: Path, ids: list[Any], named: list[Any]
) -> None:
    rows = [{"document": "d"} | ({} if own is None else {"id": own}) for own in ids]
    assert [row.id for row in opened(written(tmp_path / "in.jsonl", rows)).rows()] == named


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    rows = opened(written(tmp_path / "in.jsonl", [{"document": "d"}] * 3)).rows()
    os.remove(tmp_path / "in.jsonl")
    with pytest.raises(RequestError, match=r"in\.jsonl: cannot be read: No such file"):
        list(rows)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "link.jsonl").symlink_to("gone.jsonl")
    for given, words in (("pipe.jsonl", "is a pipe"), ("link.jsonl", "is a link to gone.jsonl"),
                         ("x" * 300, "File name too long")):  # fmt: skip
        with pytest.raises(RequestError, match=words):
            opened(tmp_path / given)
