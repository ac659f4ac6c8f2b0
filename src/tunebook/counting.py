"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """A number with its noun, in the plural where it is not one.

    >>> counted(1, "row"), counted(2, "usable row")
    ('1 row', '2 usable rows')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"
