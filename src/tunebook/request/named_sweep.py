"""Named sweeps: conf/sweep/NAME.yaml holds the words that one would type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tunebook import folders
from tunebook.documents import read_yaml
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.request.launcher import in_file
from tunebook.settings.written import ASKS

KEY = "sweep"


def with_sweep(words: Sequence[str]) -> tuple[list[str], bool]:
    """`words` with those of the sweep that they name, and whether they name one.

    A key that is typed too counts as it is typed. Raises RequestError for a sweep that is not
    there or cannot be read.
    """
    named = [word.partition("=")[2] for word in words if word.partition("=")[0] == KEY]
    typed = [word for word in words if word.partition("=")[0] != KEY]
    if not named:
        return typed, False
    given = {_key(word) for word in typed}
    return [*(word for word in _words_of(named[-1]) if _key(word) not in given), *typed], True


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+")


def _words_of(name: str) -> list[str]:
    known = folders.options(KEY)
    if name not in known:
        remedy = did_you_mean(name, known)
        raise RequestError(Problem(f"{KEY}={name}", "there is no such sweep", remedy))
    body = _body(known[name])
    if problems := [one for key in body for one in _wrong(key, body[key], known[name])]:
        raise RequestError(problems)
    return [f"{key}={value}" for key, value in body.items()]


def _body(file: Path) -> dict[str, str]:
    """Each key with its value as it is written: no value becomes a number or a truth."""
    body = read_yaml(file, object, as_text=True)
    if not isinstance(body, dict) or not all(isinstance(value, str) for value in body.values()):
        remedy = "Write one `key: value` a line, such as `seed: 0,1,2`."
        raise RequestError(Problem(str(file), "holds more than keys with values", remedy))
    return body


def _wrong(key: str, value: str, file: Path) -> Iterator[Problem]:
    if problem := in_file(key, value, str(file)):
        yield problem
    if ASKS.search(value):
        yield Problem(str(file), f"{key}: a file holds values, and asks for none with ${{…}}")
