"""The one kind of error that a user's request can cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a request.

    `where` names the key, or the file and line; `what` says what is wrong; `remedy` what to do.
    """

    where: str
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text.rstrip('.')}. {self.remedy}" if self.remedy else text


class RequestError(Exception):
    """The request is wrong: nothing was run and nothing was written. Holds every problem found."""

    def __init__(self, problems: Sequence[Problem] | Problem) -> None:
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__("\n".join(map(str, self.problems)))


class RunFailed(Exception):
    """A run started and could not finish; the message says why in one line."""
