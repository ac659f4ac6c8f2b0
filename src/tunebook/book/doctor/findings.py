"""What the doctor found, how bad it is, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.text import Text

from tunebook.book import tables
from tunebook.errors import Problem

WELL, CAUTION, WRONG = "well", "caution", "wrong"
"""As it should be; will run, and is seldom meant; will not run."""
STYLES = {WELL: "dim", CAUTION: "yellow", WRONG: "bold red"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    level: str
    where: str
    what: str
    remedy: str = ""


def of_problems(level: str, problems: Iterable[Problem]) -> list[Finding]:
    """The same as findings."""
    return [Finding(level, one.where, one.what, one.remedy) for one in problems]


def show(machine: Sequence[Finding], settings: Sequence[Finding]) -> int:
    """Print both, and what to do. Returns 1 where something would keep a run from working."""
    for title, findings in (("machine", machine), ("settings", settings)):
        if findings:
            tables.show(Text(f"\n{title}", style="bold"))
            tables.show(tables.table(("", "", ""), _rows(findings)))
    levels = [one.level for one in (*machine, *settings)]
    tables.show("", _verdict(levels.count(WRONG), levels.count(CAUTION)))
    return 1 if WRONG in levels else 0


def _rows(findings: Sequence[Finding]) -> Iterator[list[tables.Cell]]:
    for one in findings:
        text = f"{one.what.rstrip('.')}. {one.remedy}" if one.remedy else one.what
        yield [Text(one.level, style=STYLES[one.level]), Text(one.where), Text(text)]


def _verdict(wrong: int, cautions: int) -> str:
    parts = [f"{wrong} wrong: a run would not work"] if wrong else []
    parts += [f"{cautions} to think about"] if cautions else []
    return "; ".join(parts) or "nothing to say against it"
