"""What the doctor says, for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from tunebook.book import tables
from tunebook.book.doctor.findings import CAUTION, WELL, WRONG, Finding, of_problems
from tunebook.errors import RequestError

STYLES = {WELL: "dim", CAUTION: "yellow", WRONG: "bold red"}
CODES = {WELL: 0, CAUTION: 0, WRONG: 1}


def refused(error: RequestError) -> list[Finding]:
    """The problems of a request that a run would refuse."""
    return of_problems(WRONG, error.problems)


def show(machine: Sequence[Finding], settings: Sequence[Finding]) -> int:
    """Print both, and what to do. Returns 1 where something would keep a run from working."""
    for title, findings in (("machine", machine), ("settings", settings)):
        if findings:
            tables.show(Text(f"\n{title}", style="bold"))
            tables.show(tables.table(("", "", ""), _rows(findings)))
    count = {level: sum(one.level == level for one in (*machine, *settings))
             for level in (WRONG, CAUTION)}  # fmt: skip
    tables.show("", _verdict(count[WRONG], count[CAUTION]))
    return max((CODES[one.level] for one in (*machine, *settings)), default=0)


def _rows(findings: Sequence[Finding]) -> Iterator[list[tables.Cell]]:
    for one in findings:
        text = f"{one.what.rstrip('.')}. {one.remedy}" if one.remedy else one.what
        style = STYLES[one.level]
        yield [Text(one.level, style=style), Text(one.where), Text(text)]


def _verdict(wrong: int, cautions: int) -> str:
    if not wrong and not cautions:
        return "nothing to say against it"
    parts = [f"{wrong} wrong: a run would not work"] if wrong else []
    parts += [f"{cautions} to think about"] if cautions else []
    return "; ".join(parts)
