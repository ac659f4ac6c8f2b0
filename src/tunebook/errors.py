"""The one kind of error that a user's request can cause."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request.

    `where` names the key, or the file and line; `what` says what is wrong; `remedy` what to do.
    """

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        where, what = _shortened(self.where), _shortened(self.what)
        text = f"{where}: {what}" if where else what
        return f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text


LONGEST_SAID = 800
"""Of what a problem says; more is a value that was given, which nobody reads to its end."""


def _shortened(text: str) -> str:
    if len(text) <= LONGEST_SAID:
        return text
    return f"{text[: LONGEST_SAID // 2]} … {text[-LONGEST_SAID // 2 :]}"


class RequestError(Exception):
    """The request is wrong: nothing was run and nothing was written. Holds every problem found."""

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class RunsElsewhere(RequestError):
    """Another process is running this very run."""


class RunFailed(Exception):
    """A run started and could not finish; `reason` says why in one line, `folder` what is left."""

    def __init__(self, reason: str, folder: Path | None = None) -> None:
        self.reason, self.folder = reason, folder
        super().__init__(f"{reason} (folder: {folder})" if folder else reason)


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The one of `choices` that `word` may be meant for, if any is near."""
    near = difflib.get_close_matches(word, sorted(map(str, choices)), n=1, cutoff=0.6)
    return near[0] if near else None


def did_you_mean(word: str, choices: Iterable[str], path: str = "") -> str:
    """'Did you mean X?' for the nearest of `choices`, else the choices themselves.

    X is given with the `path` of the key that it belongs to.
    """
    known = sorted(str(choice) for choice in choices)
    if near := nearest(word, known):
        return f"Did you mean {path}.{near}?" if path else f"Did you mean {near}?"
    return f"Choose from: {', '.join(known)}" if known else ""


def nearest_beside(path: Path, keep: Callable[[Path], bool]) -> str:
    """What may be meant by a `path` where nothing is: the nearest there of those to `keep`."""
    there = path.parent.iterdir() if path.parent.is_dir() else ()
    near = nearest(path.name, (one.name for one in there if keep(one)))
    return f"Did you mean {near}?" if near else f"Relative paths start at {Path.cwd()}."


def either(words: Iterable[str], joint: str = "or") -> str:
    """`a, b or c`, or with another word in front of the last."""
    *first, last = words
    return f"{', '.join(first)} {joint} {last}" if first else last
