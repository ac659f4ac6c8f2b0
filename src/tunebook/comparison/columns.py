"""The columns of a table: what each one means, its plain values and its text for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from tunebook.comparison.keys import short_names
from tunebook.comparison.run import as_seen
from tunebook.comparison.table import BEST, WORSE, Row, Table

UNKNOWN = "–"
SIZES = ("B", "kB", "MB", "GB", "TB")
Shown = Callable[[Any], str]
"""The text of a value that is known."""


@dataclass(frozen=True)
class Column:
    """One column.

    values: plain values by name, for CSV and JSON; the first of them is what `--sort` sorts by.
    text: one cell for people. is_text: set to the left.
    best_first: "high" or "low" where one end is the better one; "score" where the metric says it.
    """

    values: Callable[[Row], Mapping[str, Any]]
    text: Callable[[Row], str]
    is_text: bool = False
    best_first: str = ""
    heading: str = ""
    meaning: str = ""

    def high_first(self, *, higher_is_better: bool) -> bool:
        """Whether the better end is the high one."""
        return self.best_first == "high" or (self.best_first == "score" and higher_is_better)


def size(value: float) -> str:
    """Bytes in decimal units, as in 10.4 kB."""
    step = 0
    while value >= 999.5 and step < len(SIZES) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.3g} {SIZES[step]}"


def seconds(value: float) -> str:
    """12.3 s, 4 min, 2.5 h."""
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 6000 else f"{value / 3600:.1f} h"


def _score(row: Row) -> str:
    if row.chosen is False:
        return UNKNOWN
    if row.score is None:
        return row.state
    return f"{row.score:.1f}" + ("" if row.sd is None else f" ± {row.sd:.1f}")


def _interval(row: Row) -> str:
    if row.low is None or row.high is None:
        return UNKNOWN
    return f"[{row.low:.1f}, {row.high:.1f}]{' rows' if row.has_one_seed else ''}"


def _verdict(row: Row) -> str:
    if row.verdict == WORSE and row.p is not None:
        return f"{WORSE}, {'p<0.001' if row.p < 0.001 else f'p={row.p:.2g}'}"
    return row.verdict or UNKNOWN


def _seeds(row: Row) -> str:
    return UNKNOWN if row.seeds == [None] else str(len(row.runs))


def _folders(row: Row) -> list[str]:
    return [as_seen(run.path) for run in row.runs]


def _words(name: str) -> Column:
    """A column of a text of the row."""
    return Column(lambda row: {name: getattr(row, name)}, attrgetter(name), is_text=True)


def _number(name: str, shown: Shown, best_first: str) -> Column:
    """A column of a number of the row."""

    def text(row: Row) -> str:
        value = getattr(row, name)
        return UNKNOWN if value is None else shown(value)

    return Column(lambda row: {name: getattr(row, name)}, text, best_first=best_first)


def _measured(name: str, path: str, shown: Shown, best_first: str = "low") -> Column:
    """A column of the mean over seeds of a number in metrics.json."""
    keys = path.split(".")

    def text(row: Row) -> str:
        value = row.mean_of(*keys)
        known = value or (value is not None and name not in ONLY_TRAINED)
        return shown(value) if known else UNKNOWN

    return Column(lambda row: {name: row.mean_of(*keys)}, text, best_first=best_first)


ONLY_TRAINED = ("adapter_bytes", "train_seconds")
"""What a baseline does not have."""
COUNT: Shown = "{:,.0f}".format
SIGNED: Shown = "{:+.1f}".format
_COLUMNS = {
    "method": _words("method"),
    "model": _words("model"),
    "setting": _words("setting"),
    "seeds": Column(lambda row: {"seeds": len(row.runs)}, _seeds),
    "validation": _number("validation_loss", "{:.4f}".format, "low"),
    "score": Column(lambda row: {"score": row.score, "sd": row.sd}, _score, best_first="score"),
    "interval": Column(
        lambda row: {"low": row.low, "high": row.high, "interval_over": row.interval_over},
        _interval,
        best_first="high",
    ),
    "gain": _number("gain", SIGNED, "score"),
    "over_instruction": _number("over_instruction", SIGNED, "score"),
    "verdict": Column(lambda row: {"verdict": row.verdict or None, "p": row.p}, _verdict, True),
    "trainable": _measured("trainable", "parameters.trainable", COUNT),
    "adapter": _measured("adapter_bytes", "adapter_bytes", size),
    "seconds": _measured("train_seconds", "seconds.train", seconds),
    "memory": _measured("peak_memory_bytes", "peak_memory_bytes", size),
    "speed": _measured("tokens_per_second", "throughput.tokens_per_second", COUNT, "high"),
    "added": _number("added_tokens", COUNT, "low"),
    "state": Column(
        lambda row: {"state": row.state, "reason": row.reason or None}, attrgetter("state"), True
    ),
    "folder": Column(
        lambda row: {"folder": " ".join(_folders(row))}, lambda row: "\n".join(_folders(row)), True
    ),
}
HEADINGS = {
    "validation": "validation loss ↓",
    "interval": "95 % interval",
    "over_instruction": "over instr.",
    "verdict": "against the best",
    "seconds": "training",
    "speed": "tokens/s",
}
MEANINGS = {
    "method": "what was trained",
    "model": "the base model",
    "setting": "what differs from other rows of this method and model",
    "seeds": "number of runs",
    "validation": "mean over seeds; it ranks settings of one method",
    "score": "headline metric: mean ± standard deviation over seeds",
    "interval": "of the score, over test rows and seeds; `rows`: one seed, so over test rows alone",
    "gain": "score less that of zero_shot on the same model",
    "over_instruction": "score less that of instruction on the same model",
    "verdict": "whether it differs from the best row, p after Holm; none on one seed",
    "trainable": "numbers that are trained",
    "adapter": "size of the trained weights on disk",
    "seconds": "time of training",
    "memory": "peak memory of the run",
    "speed": "tokens a second in training",
    "added": "tokens added to each input at inference",
    "state": "complete, failed or running",
    "folder": "the run folders",
}
COLUMNS: dict[str, Column] = {
    name: replace(column, heading=HEADINGS.get(name, name), meaning=MEANINGS[name])
    for name, column in _COLUMNS.items()
}
WHAT = ("method", "model", "setting")
RESULT = ("seeds", "score", "interval", "over_instruction", "gain", "verdict")
COST = ("trainable", "adapter", "seconds", "memory", "speed", "added")
ABOUT = ("state", "folder")


def column_of(name: str) -> Column:
    """A column by name; any other name is the key of a setting."""
    if name in COLUMNS:
        return COLUMNS[name]

    def text(row: Row) -> str:
        value = row.value_of(name)
        return UNKNOWN if value is None else " ".join(str(value).split())

    return Column(
        lambda row: {name: row.value_of(name)},
        text,
        heading=short_names([name])[name],
        meaning=f"setting {name}",
    )


def values_of(row: Row, names: Sequence[str]) -> dict[str, Any]:
    """The plain values of several columns together."""
    return {key: value for name in names for key, value in column_of(name).values(row).items()}


def heading_of(name: str, table: Table, *, arrows: bool = True) -> str:
    """The heading of a column in `table`: that of the score is the metric's name."""
    if name != "score":
        return column_of(name).heading
    arrow = " ↑" if table.higher_is_better else " ↓"
    return table.headline + (arrow if arrows else "")


def usual(table: Table) -> tuple[list[str], list[str], list[str]]:
    """Names of the columns (what a row is, its result, its cost), without those that say nothing.

    A model that all rows share is in the table's title.
    """
    what = ["method"]
    what += ["model"] if len(table.models) > 1 else []
    what += [table.group_by] if table.group_by else []
    what += ["setting"] if any(row.setting for row in table.rows) else []
    result = list(RESULT)
    if table.has_choice:
        result.insert(1, "validation")
    return what, result, list(COST)


def telling_apart(names: Sequence[str], table: Table) -> list[str]:
    """`names` of columns, with those in front without which two rows would be told by nothing."""
    what = usual(table)[0]
    told = [[column_of(name).text(row) for name in names if name in what] for row in table.rows]
    if len(set(map(tuple, told))) == len(told):
        return list(names)
    return [*(name for name in what if name not in names), *names]


def in_order(rows: Sequence[Row], name: str, *, higher_is_better: bool = True) -> list[Row]:
    """`rows` sorted by a column, the better end first, then texts by alphabet, unknown last."""
    column = column_of(name)
    sign = -1 if column.high_first(higher_is_better=higher_is_better) else 1
    return sorted(rows, key=lambda row: order_of(next(iter(column.values(row).values())), sign))


def order_of(value: Any, sign: int = 1) -> tuple[bool, bool, Any]:
    """Numbers by size, the largest first where `sign` is -1, before texts, before nothing."""
    number = isinstance(value, int | float)
    return value is None, not number, sign * value if number else str(value)


def is_best(row: Row) -> bool:
    """Whether the row is to be set in bold."""
    return row.verdict == BEST
