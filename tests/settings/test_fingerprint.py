"""Same settings, same digits; every key that changes the result changes them."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunebook.runs.fingerprint import FILES, fingerprint
from tunebook.settings import Settings, resolve
from tunebook.settings.reading import every_key

Compose = Callable[..., Settings]
METHODS = ("prompt", "p_tuning", "prefix", "lora", "full", "instruction")
TASKS = ("translate", "summarize", "qa", "dialogue")


@pytest.fixture
def resolved(settings: Compose, t5_folder: Path) -> Compose:
    def filled(*words: str) -> Settings:
        return resolve(settings(f"model.path={t5_folder}", *words)).settings

    return filled


def digits(settings: Settings, data: str = "data", model: str = "model") -> str:
    return fingerprint(settings, data, model)


def other(value: Any) -> Any:
    """A value of the same type that is not `value`."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, list):
        return [*value, "more"]
    if isinstance(value, dict):
        return {**value, "more": 1}
    return f"{value or ''}x"


def changed(settings: Settings, where: str) -> Settings:
    settings = copy.deepcopy(settings)
    *groups, name = where.split(".")
    part: Any = settings
    for group in groups:
        part = getattr(part, group)
    setattr(part, name, other(getattr(part, name)))
    return settings


def keys_of(settings: Settings) -> list[tuple[str, bool]]:
    """Each key that these settings have, and whether it changes the result."""
    found = []
    for where, field in every_key():
        group, _, name = where.partition(".")
        if not name or hasattr(getattr(settings, group), name.split(".")[0]):
            changes = field.metadata["changes_result"] and where not in FILES
            found.append((where, changes))
    return found


@pytest.mark.parametrize("method", METHODS)
def test_each_key_counts_or_does_not(resolved: Compose, method: str) -> None:
    settings = resolved(f"method={method}")
    before = digits(settings)
    for where, counts in keys_of(settings):
        assert (digits(changed(settings, where)) != before) == counts, where


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_its_own_digits(resolved: Compose, task: str) -> None:
    assert digits(resolved(f"task={task}")) == digits(resolved(f"task={task}"))
    others = {digits(resolved(f"task={name}")) for name in TASKS if name != task}
    assert digits(resolved(f"task={task}")) not in others


def test_content_of_data_and_model_counts(resolved: Compose) -> None:
    settings = resolved()
    assert digits(settings, data="else") != digits(settings)
    assert digits(settings, model="else") != digits(settings)


@pytest.mark.parametrize("words", [
    ("outputs=elsewhere",), ("again=true",), ("dry_run=true",), ("label=mine",),
    ("decoding.batch_size=1",), ("training.report_to=[tensorboard]",), ("data.note=new",),
    ("training.learning_rate=0.3",), ("training.optim=adafactor", "training.batch_size=32"),
])  # fmt: skip
def test_what_changes_no_result_leaves_the_digits(resolved: Compose, words: tuple) -> None:
    assert digits(resolved(*words)) == digits(resolved())


def test_a_file_counts_by_its_content_alone(resolved: Compose, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.jsonl", "two.jsonl")]
    one, two = (digits(resolved("data=files", f"data.train={path}")) for path in paths)
    assert one == two


def test_ten_hexadecimal_digits_that_stay(resolved: Compose) -> None:
    text = digits(resolved())
    assert len(text) == 10
    int(text, 16)
    again = dataclasses.replace(copy.deepcopy(resolved()), label="other")
    assert digits(again) == text


@pytest.mark.parametrize(("dtype", "same"), [("float32", True), ("bfloat16", False)])
def test_rows_decoded_at_once_count_in_half_precision_alone(
    dtype: str, same: bool, resolved: Compose
) -> None:
    few = digits(resolved(f"model.dtype={dtype}", "decoding.batch_size=1"))
    many = digits(resolved(f"model.dtype={dtype}", "decoding.batch_size=8"))
    assert (few == many) is same
