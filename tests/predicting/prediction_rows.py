"""Rows of each task, and JSONL files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TEXT = "the cat saw a dog in big old mill and one red boat on my lake"
FIELDS = {
    "translate": lambda a, b: {"source": a, "target": b},
    "qa": lambda a, b: {"context": f"{a} {b}", "question": f"{a}?", "answers": [b]},
    "dialogue": lambda a, b: {"history": [a, b], "response": a},
}


def sentences(first: int, count: int) -> list[tuple[str, str]]:
    """Pairs of different lengths."""
    words = TEXT.split()
    chosen = [
        [words[(i * 7 + j * (i % 5 + 1)) % len(words)] for j in range(2 + i % 6)]
        for i in range(first, first + count)
    ]
    return [(f"{' '.join(some)}.", f"é {some[-1]} {i}!") for i, some in enumerate(chosen)]


def rows(task: str, first: int, count: int) -> list[dict[str, Any]]:
    return [FIELDS[task](f"{first} {a}", b) for a, b in sentences(first, count)]


def write_jsonl(path: Path, found: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in found), encoding="utf-8")
    return path


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
