"""What can change a run's result, as a few hexadecimal digits."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import Any

from tunebook.schema import Settings

DIGITS = 10
FILES = ("data.train", "data.validation", "data.test", "data.path", "model.path")


HALF = ("bfloat16", "float16")
"""Where the order of sums, and with it an answer, depends on how many rows are decoded at once."""


def fingerprint(settings: Settings, data: str, model: str) -> str:
    """Ten digits over every setting that changes the result, and the content of data and model.

    Paths do not count: the content behind them does, as `data` and `model` describe it.
    """
    content: dict[str, Any] = {"settings": _that_matter(settings, ""), "data": data, "model": model}
    if settings.model.dtype in HALF:
        content["rows at once"] = settings.decoding.batch_size
    return digest(content)


def digest(content: Any) -> str:
    """The same digits for the same content on every machine."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def _that_matter(part: Any, path: str) -> dict[str, Any]:
    found = {}
    for field in dataclasses.fields(part):
        where = f"{path}{field.name}"
        if field.metadata.get("changes_result", True) and where not in FILES:
            value = getattr(part, field.name)
            nested = dataclasses.is_dataclass(value)
            found[field.name] = _that_matter(value, f"{where}.") if nested else value
    return found
