"""One raw value -> the text, texts or turns that a field holds.

Each function takes whatever a JSON, CSV or Arrow cell may hold and raises WrongType for what it
cannot read. Empty, blank, null and not-a-number give the empty text or list.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

ASSISTANT_ROLES = {"assistant", "gpt", "bot", "model", "chatbot", "agent"}
CONTENT_KEYS = ("content", "value", "text")
ROLE_KEYS = ("role", "from")


class WrongType(ValueError):
    """A value is of a type that its field cannot hold; the message says what it is."""


def text_of(value: Any) -> str:
    """A text as it stands; numbers as text; blank text as empty."""
    if isinstance(value, str):
        return value if value and not value.isspace() else ""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise WrongType(f"a text is expected, not {described(value)}")


def texts_of(value: Any) -> list[str]:
    """Alternatives: a list of texts, SQuAD's {"text": [...]}, or one text. Blank ones are left out.

    >>> texts_of({"text": ["in Rome", "Rome"], "answer_start": [4, 7]})
    ['in Rome', 'Rome']
    """
    if isinstance(value, Mapping) and "text" in value:
        return texts_of(value["text"])
    value = _listed(value)
    if isinstance(value, list | tuple):
        return _without_blanks(_message_text(item) for item in value)
    return _without_blanks([text_of(value)])


def turns_of(value: Any) -> list[str]:
    """Turns of a dialogue: a list of texts or of messages, or one text with a line for each turn.

    A message is {"role": ..., "content": ...} or {"from": ..., "value": ...}.
    """
    value = _listed(value)
    if isinstance(value, list | tuple):
        return _without_blanks(_message_text(item) for item in value)
    return _without_blanks(text_of(value).splitlines())


def history_of(conversation: Any) -> list[str]:
    """The turns of a whole conversation before its last assistant turn."""
    messages, last = _until_last_answer(conversation)
    return _without_blanks(_message_text(item) for item in messages[:last])


def response_of(conversation: Any) -> str:
    """The last assistant turn of a whole conversation; the last turn where none has a role."""
    messages, last = _until_last_answer(conversation)
    return text_of(_message_text(messages[last])) if messages else ""


def described(value: Any) -> str:
    """A value's type in words, with its beginning.

    >>> described({"a": 1})
    "an object ({'a': 1})"
    """
    words = {dict: "an object", list: "a list", bool: "true or false", bytes: "bytes"}
    shown = repr(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    return f"{words.get(type(value), 'a ' + type(value).__name__)} ({shown})"


def _listed(value: Any) -> Any:
    """A list that stands in one cell as JSON, as in a CSV file; anything else as it is."""
    if isinstance(value, str) and value.startswith('["') and value.endswith('"]'):
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def _until_last_answer(conversation: Any) -> tuple[list[Any], int]:
    if conversation is None:
        return [], 0
    if not isinstance(conversation, list | tuple):
        raise WrongType(f"a list of messages is expected, not {described(conversation)}")
    roles = [_role(message) for message in conversation]
    answers = [i for i, role in enumerate(roles) if role in ASSISTANT_ROLES]
    if any(roles):
        return (list(conversation), answers[-1]) if answers else ([], 0)
    return list(conversation), len(conversation) - 1


def _role(message: Any) -> str:
    if not isinstance(message, Mapping):
        return ""
    return next((str(message[key]).lower() for key in ROLE_KEYS if message.get(key)), "")


def _message_text(message: Any) -> str:
    if not isinstance(message, Mapping):
        return text_of(message)
    for key in CONTENT_KEYS:
        if key in message:
            return _content_text(message[key])
    raise WrongType(f"a text or message is expected, not {described(message)}")


def _content_text(content: Any) -> str:
    if isinstance(content, list | tuple):
        return "\n".join(_without_blanks(_message_text(part) for part in content))
    return text_of(content)


def _without_blanks(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if text and not text.isspace()]
