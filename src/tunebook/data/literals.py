"""Lists and objects that stand in one cell as text, as pandas and JSON write them.

`["a", "b"]`, `['a', 'b']`, NumPy's `['a' 'b']`, `{'text': array(['a'], dtype=object)}`. Read by a
small grammar and never evaluated: what doesn't fit it is a text like any other.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

DEEPEST = 8
TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<array>array\()"""
    r"""|(?P<dtype>dtype=[\w<>'|]+)|(?P<number>-?\d+(?:\.\d*)?(?:e[+-]?\d+)?)"""
    r"""|(?P<word>None|null|nan|NaN|True|true|False|false)|(?P<mark>[\[\](){},:]))""",
    re.DOTALL,
)
ESCAPE = re.compile(r"\\(.)", re.DOTALL)
KNOWN_ESCAPES = set("\\'\"abfnrtvxuU01234567")
WORDS = {"True": True, "true": True, "False": False, "false": False}
CLOSED_BY = {"[": "]", "(": ")", "{": "}", "array(": ")"}


def read_literal(text: str) -> Any:
    """The list or object that `text` writes, or `text` itself where it writes none.

    >>> read_literal("['Rome', 'in Rome']")
    ['Rome', 'in Rome']
    >>> read_literal("[1] Smith")
    '[1] Smith'
    """
    text_alone = text.strip()
    if (text_alone[:1], text_alone[-1:]) not in (("[", "]"), ("{", "}")):
        return text
    try:
        found = _Parser(text_alone).whole()
    except (ValueError, SyntaxError, IndexError):
        return text
    return found if _holds_texts(found) else text


def _holds_texts(found: Any) -> bool:
    """Lists of texts or messages and objects are meant; `[1]` is a footnote."""
    return isinstance(found, dict) or all(isinstance(item, str | dict | None) for item in found)


class _Parser:
    """Descends into one text token by token; raises ValueError where the grammar ends."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0

    def whole(self) -> Any:
        value = self._value(0)
        if self._next < len(self._tokens):
            raise ValueError("text goes on behind the value")
        return value

    def _value(self, depth: int) -> Any:
        kind, text = self._take()
        if kind == "string":
            return _string(text)
        if kind == "number":
            return float(text) if set(text) & set(".e") else int(text)
        if kind == "word":
            return WORDS.get(text)
        if text not in CLOSED_BY or depth == DEEPEST:
            raise ValueError(f"unexpected {text}")
        items = self._items(CLOSED_BY[text], depth + 1, pairs=text == "{")
        if text == "array(":
            return items[0]
        return dict(items) if text == "{" else items

    def _items(self, end: str, depth: int, *, pairs: bool) -> list[Any]:
        items: list[Any] = []
        while self._tokens[self._next][1] != end:
            kind, text = self._tokens[self._next]
            if text == "," or kind == "dtype":
                self._next += 1
            else:
                items.append(self._pair(depth) if pairs else self._value(depth))
        self._next += 1
        return items

    def _pair(self, depth: int) -> tuple[str, Any]:
        key = self._value(depth)
        if self._take()[1] != ":" or not isinstance(key, str):
            raise ValueError("an object's key is a text before a colon")
        return key, self._value(depth)

    def _take(self) -> tuple[str, str]:
        self._next += 1
        return self._tokens[self._next - 1]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"no token at {at}")
        tokens.append((str(found.lastgroup), found[0].strip()))
        at = found.end()
    return tokens


def _string(text: str) -> str:
    if text.startswith('"'):
        try:
            return json.loads(text, strict=False)
        except ValueError:
            pass
    text = ESCAPE.sub(lambda one: one[0] if one[1] in KNOWN_ESCAPES else "\\" + one[0], text)
    return ast.literal_eval(text.replace("\n", "\\n").replace("\r", "\\r"))
