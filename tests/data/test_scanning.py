"""Whole splits read in Arrow: the same rows as the datasets library gives, in the same order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from loading_examples import loaded, task_named, write_lines

from tunebook.data.batches import ROWS
from tunebook.data.scanning import characters, scan

MANY = 2 * ROWS + 100
EXAMPLES: dict[str, dict[str, Any]] = {
    "translate": {"source": "Où est {}?", "target": "Where is {}?"},
    "summarize": {"document": "It rained on {}.", "summary": "Rain {}."},
    "qa": {"context": "Rome {} is old.", "question": "What is?", "answers": ["Rome", "It"]},
    "dialogue": {"history": ["Hello {}!", "Où?"], "response": "Here {}."},
}


def filled(value: Any, number: int) -> Any:
    if isinstance(value, list):
        return [filled(item, number) for item in value]
    return value.replace("{}", "a" * (number % 7) + str(number))


def train_file(kind: str) -> str:
    rows = [{k: filled(v, i) for k, v in EXAMPLES[kind].items()} for i in range(MANY)]
    return write_lines(f"{kind}.jsonl", rows)


@pytest.mark.parametrize("kind", list(EXAMPLES))
@pytest.mark.parametrize("limit", [{}, {"train": 300}, {"train": 1}])
def test_characters_are_those_of_each_row(kind: str, limit: dict[str, int]) -> None:
    """Held-out rows are left out in all three batches of the file."""
    found, task = loaded(kind, train=train_file(kind), limit=limit), task_named(kind)
    for split in ("train", "validation", "test"):
        counted = [
            sum(len("\n".join(row[name]) if isinstance(row[name], list) else row[name])
                for name in (*task.inputs, task.answer))
            for row in found.rows(split)
        ]  # fmt: skip
        assert characters(getattr(found.examples, split), task).tolist() == counted


def test_scanning_gives_the_rows_in_order() -> None:
    dataset = loaded("translate", train=train_file("translate")).examples.train
    texts = [text for (batch,) in scan(dataset, ["source"]) for text in batch.to_pylist()]
    assert texts == dataset["source"][:]
    assert len(texts) == MANY - 2 * (MANY // 10)


def test_overlap_is_found_in_every_batch_of_a_file() -> None:
    train = train_file("dialogue")
    lines = Path(train).read_text(encoding="utf-8").splitlines()
    test = write_lines("test.jsonl", [lines[i] for i in (0, ROWS, MANY - 1)])
    other = write_lines("other.jsonl", [{"history": ["Nobody asked."], "response": "No."}])
    found = loaded("dialogue", train=train, validation=other, test=test)
    assert found.heard(f"warning: 3 of {MANY} rows of train have the same history")
    assert not found.heard("rows of validation")
