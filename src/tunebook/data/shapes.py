"""JSON documents known by their shape -> rows. A new shape is one function and one line below."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tunebook.data.conversations import role_of
from tunebook.data.faults import Faults

Found = Iterator[tuple[str, Any]]
"""Each row, and where in the document it stands."""


@dataclass(frozen=True)
class Shape:
    """A form of document: whether one has it, its rows, and what is said when it is found."""

    fits: Callable[[Any], bool]
    rows: Callable[[Any], Found]
    said: str = ""


def rows_of(document: Any, name: str, faults: Faults) -> list[dict[str, Any]]:
    """The rows of a document that is called `name`; what is none goes into `faults`."""
    shape = next((shape for shape in SHAPES if shape.fits(document)), None)
    if shape is None:
        what = "holds neither a list of objects nor an object with a list named data"
        faults.add("json", name, what, "Bring it into one of these forms, or one object a line.")
        return []
    if shape.said:
        faults.notes.append(f"{name} {shape.said}")
    return list(_objects(shape.rows(document), name, faults))


def _objects(rows: Found, name: str, faults: Faults) -> Iterator[dict[str, Any]]:
    for place, row in rows:
        if isinstance(row, dict):
            yield row
        else:
            faults.add("object", f"{name}, {place}", f"is {kind_of(row)}, not an object")


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    words = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else words.get(type(value), "a number")


def _listed(document: Any) -> Any:
    return document.get("data") if isinstance(document, dict) else document


def _is_list(document: Any) -> bool:
    return isinstance(_listed(document), list)


def _rows_of_list(document: Any) -> Found:
    for number, row in enumerate(_listed(document), 1):
        yield f"row {number}", row


def _is_squad(document: Any) -> bool:
    articles = _listed(document)
    first = articles[0] if isinstance(articles, list) and articles else None
    return isinstance(first, dict) and isinstance(first.get("paragraphs"), list)


def _rows_of_squad(document: Any) -> Found:
    """A row a question. An unanswerable one has no answers; plausible ones count for nothing."""
    for number, article in enumerate(_listed(document), 1):
        for where, paragraph in _parts(article, "paragraphs", f"article {number}"):
            for place, question in _parts(paragraph, "qas", where):
                if not isinstance(question, dict) or not isinstance(paragraph, dict):
                    yield place, question
                    continue
                row = {"context": paragraph.get("context"), **question}
                row.pop("plausible_answers", None)
                if row.get("is_impossible") is True:
                    row["answers"] = []
                yield place, {"title": article.get("title"), **row}


def _parts(parent: Any, key: str, where: str) -> Found:
    """The items of a list in `parent`; where there is none, what is wrong."""
    parts = parent.get(key) if isinstance(parent, dict) else None
    if isinstance(parts, list):
        for number, part in enumerate(parts, 1):
            yield f"{where}, {key} {number}", part
    elif isinstance(parent, dict):
        yield f"{where}, {key}", None if isinstance(parts, dict) else parts
    else:
        yield where, parent


def _is_row(document: Any) -> bool:
    """An object with a text or number in it, or with the messages of a conversation."""
    if not isinstance(document, dict):
        return False
    return any(not isinstance(value, list) or _are_messages(value) for value in document.values())


def _are_messages(value: list[Any]) -> bool:
    return bool(value) and isinstance(value[0], Mapping) and bool(role_of(value[0]))


def _the_row(document: Any) -> Found:
    yield "row 1", document


SHAPES = [
    Shape(_is_squad, _rows_of_squad, "is in SQuAD's format: each question is a row"),
    Shape(_is_list, _rows_of_list),
    Shape(_is_row, _the_row, "holds one row"),
]
