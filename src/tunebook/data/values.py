"""One raw value -> the text, texts or turns that a field holds.

Each function takes whatever a JSON, CSV or Arrow cell may hold and raises WrongType for what it
cannot read. Empty, blank, null and numbers that are not finite give the empty text or list.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Iterable, Mapping
from typing import Any

from tunebook.data.literals import read_literal

CONTENT_KEYS = ("content", "value", "text", "utterance", "message")
SHORT = reprlib.Repr()
SHORT.maxstring = SHORT.maxother = 60


class WrongType(ValueError):
    """A value is of a type that its field cannot hold; the message says what it is."""


def text_of(value: Any) -> str:
    """A text as it stands; numbers as text; blank text as empty."""
    if isinstance(value, str):
        return value if value and not value.isspace() else ""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise WrongType(f"a text is expected, not {described(value)}")


def texts_of(value: Any) -> list[str]:
    """Alternatives: a list of texts, SQuAD's {"text": [...]}, or one text. Blank ones are left out.

    >>> texts_of({"text": ["in Rome", "Rome"], "answer_start": [4, 7]})
    ['in Rome', 'Rome']
    """
    value = listed(value)
    if isinstance(value, Mapping) and "text" in value:
        return texts_of(value["text"])
    if isinstance(value, list | tuple):
        return _without_blanks(message_text(item) for item in value)
    return _without_blanks([text_of(value)])


def turns_of(value: Any) -> list[str]:
    """Turns of a dialogue: a list of texts or of messages, or one text with a line for each turn.

    A message is {"role": ..., "content": ...} or {"from": ..., "value": ...}.
    """
    value = listed(value)
    if isinstance(value, list | tuple):
        return _without_blanks(message_text(item) for item in value)
    return _without_blanks(text_of(value).splitlines())


def described(value: Any) -> str:
    """A value's type in words, with its beginning.

    >>> described({"a": 1})
    "an object ({'a': 1})"
    """
    words = {
        dict: "an object",
        list: "a list",
        bool: "true or false",
        bytes: "bytes",
        str: "a text",
    }
    shown = SHORT.repr(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    return f"{words.get(type(value), 'a ' + type(value).__name__)} ({shown})"


def message_text(message: Any) -> str:
    """The text of one message of a dialogue, or a text itself."""
    if not isinstance(message, Mapping):
        return text_of(message)
    message = with_small_keys(message)
    for key in CONTENT_KEYS:
        if key in message:
            return _content_text(message[key])
    raise WrongType(f"a text or message is expected, not {described(message)}")


def with_small_keys(message: Mapping[str, Any]) -> dict[str, Any]:
    """The message with keys in small letters."""
    return {str(key).lower(): value for key, value in message.items()}


def listed(value: Any) -> Any:
    """A list, or SQuAD's answers, written into one cell as text, as in CSV; else as it is."""
    if not isinstance(value, str):
        return value
    found = read_literal(value)
    return found if isinstance(found, list) or "text" in found else value


def _content_text(content: Any) -> str:
    if isinstance(content, list | tuple):
        return "\n".join(_without_blanks(message_text(part) for part in content))
    return text_of(content)


def _without_blanks(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if text and not text.isspace()]


def whole(value: Any) -> Any:
    """A text, texts or None; halves of broken characters are replaced by U+FFFD."""
    if isinstance(value, list):
        return [whole(item) for item in value]
    return value and value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
