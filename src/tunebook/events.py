"""What a run says, by kind: a line is plain text unless it is one of these."""

from __future__ import annotations


class Doing(str):
    """How far a run is: worth showing until the next one comes."""

    __slots__ = ()


class Frame(str):
    """What begins or has ended: a sweep says it in its own way."""

    __slots__ = ()
