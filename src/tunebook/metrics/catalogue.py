"""Which metrics there are: found by looking at this folder, without importing evaluate (6 s)."""

import ast
from functools import cache
from pathlib import Path

from tunebook.errors import did_you_mean

TABLE = "HIGHER_IS_BETTER"
MEASURED_ELSEWHERE = {"loss": False, "perplexity": False}


def available() -> tuple[str, ...]:
    """Names that `score` accepts, in alphabetical order."""
    return tuple(_tables())


def keys(name: str) -> tuple[str, ...]:
    """Keys of the values that metric `name` gives, as in ("rouge1", "rouge2", ...).

    Raises:
        ValueError: there is no such metric.
    """
    check_name(name)
    return tuple(_tables()[name])


def higher_is_better(key: str) -> bool:
    """Whether more of metric key `key` is better; False for "loss" and "perplexity".

    Raises:
        ValueError: no metric gives such a key.
    """
    directions = dict(MEASURED_ELSEWHERE)
    for table in _tables().values():
        directions.update(table)
    if key not in directions:
        raise ValueError(f"unknown metric key {key!r}. {did_you_mean(key, directions)}")
    return directions[key]


def check_name(name: str) -> None:
    """Raise ValueError, with what was probably meant, unless `name` is a metric."""
    if name in _tables():
        return
    for group, table in _tables().items():
        if name in table:
            raise ValueError(f"unknown metric {name!r}: it is a value of the metric {group!r}")
    raise ValueError(f"unknown metric {name!r}. {did_you_mean(name, available())}")


@cache
def _tables() -> dict[str, dict[str, bool]]:
    files = sorted(Path(__file__).parent.glob("*.py"))
    found = {file.stem: _read_table(file) for file in files}
    return {name: table for name, table in found.items() if table}


def _read_table(file: Path) -> dict[str, bool]:
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == TABLE:
            table: dict[str, bool] = ast.literal_eval(statement.value)
            return table
    return {}
