"""What every kind of source gives: the rows of one split, part by part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from tunebook.data.batches import Batch
from tunebook.data.faults import Faults


@dataclass
class Part:
    """One file or table of a split: its batches and, row-aligned, its references."""

    name: str
    batches: Iterator[Batch]
    references: Iterator[list[str]] | None = None
    references_name: str | None = None


@dataclass
class Source(ABC):
    """Where the rows of one split are read from.

    `key` names the setting that gave it, `content` is a hash of what will be read.
    """

    key: str
    split: str
    content: str

    @property
    def has_references(self) -> bool:
        """Whether rows come with references beside them."""
        return False

    @abstractmethod
    def parts(self, faults: Faults) -> Iterator[Part]:
        """The parts in order; what cannot be read goes into `faults`."""
