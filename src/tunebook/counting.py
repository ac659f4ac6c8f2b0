"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """A number with its noun, in the plural where it is not one.

    >>> counted(1, "row"), counted(2, "usable row")
    ('1 row', '2 usable rows')
    """
    return f"{count} {what}{'' if count == 1 else 's'}"


def in_words(seconds: float) -> str:
    """Seconds as a person says them: 34 s, 12 min, 3 h 20 min."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
