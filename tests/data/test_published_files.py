"""Files as their authors publish them: unquoted, separated by semicolons, nested, with lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from loading_examples import PAIRS, Loaded, loaded, refused, write_lines

from tunebook.data.literals import read_literal


def rows_of(name: str, content: str, kind: str = "translate", **settings: Any) -> Loaded:
    """The rows of a file as train, beside other files of the same fields."""
    Path(name).write_text(content, encoding="utf-8")
    row = {"source": "o", "target": "a", "context": "c", "question": "q", "answers": ["a"]}
    rows = {split: [{**row, "source": split, "context": split}] for split in ("validation", "test")}
    other = {split: write_lines(f"{split}.jsonl", one) for split, one in rows.items()}
    return loaded(kind, train=name, **other, **settings)


def pairs(found: Loaded) -> list[tuple[str, str]]:
    return [(row["source"], row["target"]) for row in found.rows()]


BARE = 'source\ttarget\n"Yes.\tOui.\nNo.\tNon.\nMaybe."\tPeut-être.\n"A quote."\tUne citation.\n'
BARE_PAIRS = [('"Yes.', "Oui."), ("No.", "Non."), ('Maybe."', "Peut-être."),
              ('"A quote."', "Une citation.")]  # fmt: skip


def test_an_unquoted_tsv_keeps_every_row_and_its_marks() -> None:
    found = rows_of("bare.tsv", BARE)
    assert pairs(found) == BARE_PAIRS
    assert found.heard("data.train: bare.tsv is not quoted: quotation marks are part of its texts")


def test_a_line_without_its_cells_makes_no_quoted_file_of_it() -> None:
    Path("bare.tsv").write_text(BARE + "lonely\n", encoding="utf-8")
    (problem,) = refused("translate", train="bare.tsv")
    assert str(problem).startswith("bare.tsv:6: has 1 cells where the header has 2")


@pytest.mark.parametrize(("text", "wanted"), [
    ('source\ttarget\n"He said ""no""."\tNon.\n', [('He said "no".', "Non.")]),
    ('"source"\t"target"\n"Yes."\t"Oui."\n', [("Yes.", "Oui.")]),
    ('source\ttarget\n"two\nlines"\t"with\ttab"\n', [("two\nlines", "with\ttab")]),
    ('source\ttarget\n"Yes."\tOui.\n', [('"Yes."', "Oui.")]),
])  # fmt: skip
def test_a_quoted_tsv_is_known_by_its_cells(text: str, wanted: list[tuple[str, str]]) -> None:
    assert pairs(rows_of("cells.tsv", text)) == wanted


def test_it_can_be_said_whether_cells_are_quoted() -> None:
    text = 'source\ttarget\n"Yes."\tOui.\n'
    plain, quoted = (rows_of("a.tsv", text, quoted=quoted) for quoted in (False, True))
    assert (pairs(plain), pairs(quoted)) == ([('"Yes."', "Oui.")], [("Yes.", "Oui.")])
    assert plain.examples.fingerprint != quoted.examples.fingerprint
    assert pairs(rows_of("a.csv", 'source,target\n"Yes.,Oui.\n', quoted=False)) == [
        ('"Yes.', "Oui.")
    ]


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs"),
                                                 ("|", "bars")])  # fmt: skip
def test_another_separator_is_seen_in_the_header(separator: str, word: str) -> None:
    text = f'source{separator}target\n"A{separator}, b."{separator}c\n'
    found = rows_of("other.csv", text)
    assert pairs(found) == [(f"A{separator}, b.", "c")]
    assert found.heard(f"other.csv is separated by {word}, and is read so")


def test_the_separator_can_be_given() -> None:
    assert pairs(rows_of("a.csv", "source#target\na,b#c\n", separator="#")) == [("a,b", "c")]
    assert pairs(rows_of("a.csv", "source\ttarget\na,b\tc\n", separator="tab")) == [("a,b", "c")]
    for wrong in ("", ";;", '"'):
        (problem,) = refused("translate", train="a.csv", separator=wrong)
        assert problem.where == "data.separator"


def question(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"q{number}", "question": f"Where {number}?",
            "answers": [{"text": "Rome", "answer_start": 3}], **more}  # fmt: skip


def squad(*questions: Any) -> dict[str, Any]:
    half = [{"context": f"In Rome {i}.", "qas": [one]} for i, one in enumerate(questions)]
    return {"version": "1.1", "data": [{"title": "T", "paragraphs": half}]}


def test_nested_questions_are_rows() -> None:
    impossible = {"is_impossible": True, "answers": [], "plausible_answers": [{"text": "Paris"}]}
    found = rows_of("squad.json", json.dumps(squad(question(0), question(1, **impossible))), "qa")
    assert found.rows() == [
        {"id": "q0", "context": "In Rome 0.", "question": "Where 0?", "answers": ["Rome"]},
        {"id": "q1", "context": "In Rome 1.", "question": "Where 1?", "answers": []},
    ]
    assert found.heard("squad.json is in SQuAD's format: each question is a row")


@pytest.mark.parametrize(("document", "place"), [
    (squad(question(0), 3), "article 1, paragraphs 2, qas 1: is a number"),
    ({"data": [*squad(question(0))["data"], []]}, "article 2: is a list"),
    ({"data": [*squad(question(0))["data"], {"paragraphs": "x"}]}, "article 2, paragraphs: is"),
])  # fmt: skip
def test_what_is_no_question_is_named(document: Any, place: str) -> None:
    Path("squad.json").write_text(json.dumps(document))
    (problem,) = refused("qa", train="squad.json")
    assert str(problem).startswith(f"squad.json, {place}")


def test_one_object_is_one_row() -> None:
    assert pairs(rows_of("one.json", json.dumps(PAIRS[0], indent=1))) == [
        (PAIRS[0]["source"], PAIRS[0]["target"])
    ]


LISTS: list[tuple[str, Any]] = [
    ("['Rome', \"in 'Rome'\"]", ["Rome", "in 'Rome'"]),
    ("['Rome' 'in Rome'\n 'there']", ["Rome", "in Rome", "there"]),
    ('["Rome", null]', ["Rome", None]),
    ("{'text': array(['Rome'], dtype=object), 'answer_start': array([3], dtype=int32)}",
     {"text": ["Rome"], "answer_start": [3]}),
    ("['C:\\\\new', '\\d']", ["C:\\new", "\\d"]),
    ("[]", []),
]  # fmt: skip
TEXTS = [
    "[1]",
    "[1] Smith",
    "[citation needed]",
    "['open]",
    "{'a'}",
    "[" * 50 + "]" * 50,
    "['a'] b",
]


@pytest.mark.parametrize(("cell", "wanted"), [*LISTS, *((text, text) for text in TEXTS)])
def test_lists_written_as_text_are_known(cell: str, wanted: Any) -> None:
    assert read_literal(cell) == wanted


def test_answers_in_cells_are_lists_and_that_is_said() -> None:
    cells = ["['Rome', 'in Rome']", "{'text': array(['Oslo'], dtype=object)}", "[]", "[sic]"]
    lines = [f'c{i},q,"{cell}"' for i, cell in enumerate(cells)]
    found = rows_of("a.csv", "\n".join(["context,question,answers", *lines]), "qa")
    assert [row["answers"] for row in found.rows()] == [
        ["Rome", "in Rome"], ["Oslo"], [], ["[sic]"],
    ]  # fmt: skip
    assert found.heard("answers holds lists written as text: they are read as lists")


def test_lists_where_one_text_belongs_are_pointed_out() -> None:
    text = "source,target\na,\"['one', 'two']\"\n"
    found = rows_of("a.csv", text)
    assert found.heard("warning: target holds lists written as text, which are taken for texts")
    fields = {"target": "none", "references": "target"}
    Path("a.csv").write_text(text)
    (row,) = loaded("translate", train="a.csv", validation="validation.jsonl", test="test.jsonl",
                    fields=fields).rows()  # fmt: skip
    assert (row["target"], row["references"]) == ("one", ["one", "two"])


def numbered(split: str) -> dict[str, str]:
    return {"document": split, "summary1": "One.", "summary2": "Two.", "summary3": "One."}


def test_numbered_answers_name_the_setting_that_reads_them() -> None:
    train = write_lines("train.jsonl", [{"document": f"d{i}", "summary": "s"} for i in range(9)])
    test = write_lines("test.jsonl", [numbered("test")])
    (problem,) = refused("summarize", train=train, test=test)
    assert problem.remedy == "Set data.fields.references=[summary1,summary2,summary3]."
    columns = ["summary1", "summary2", "summary3"]
    found = loaded("summarize", train=train, test=test, fields={"references": columns})
    assert found.rows("test") == [
        {"id": "test-1", "document": "test", "summary": "One.",
         "references": ["One.", "Two.", "One."]}
    ]  # fmt: skip
    assert found.rows("train")[0]["summary"] == "s"


def test_references_that_no_split_has_are_refused() -> None:
    train = write_lines("train.jsonl", PAIRS)
    problems = refused("translate", train=train, fields={"references": ["a", "b"]})
    assert str(problems[0]).startswith("data.fields.references: no split has a column a or b")


def test_every_file_of_a_folder_must_have_the_columns() -> None:
    rows = [{"document": f"d{i}", "summary": "s"} for i in range(9)]
    write_lines("data/a.jsonl", rows)
    write_lines("data/b.jsonl", [{"document": "d", "highlights": "s"}])
    (problem,) = refused("summarize", train="data")
    assert problem.what == "data/b.jsonl has no column summary; it has document, highlights"


def test_two_fields_of_one_column_are_refused() -> None:
    train = write_lines("train.jsonl", PAIRS)
    (problem,) = refused("translate", train=train, fields={"target": "source"})
    assert str(problem).startswith(
        "data.fields.target: source and target are both read from the column source"
    )
    (problem,) = refused("translate", train=train, fields={"target": ["a", "b"]})
    assert problem.where == "data.fields.target"


def test_splits_belong_to_the_hub() -> None:
    problems = refused(
        "qa", name="village", source="village", splits={"train": "x", "test": "test"}
    )
    assert [str(one) for one in problems] == [
        "data.splits.train: belongs to a data set of the hub; you chose data=village. Leave it out."
    ]
