"""The columns of a table: what each one means, its plain values and its text for people."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunebook.comparison.folders import as_seen
from tunebook.comparison.keys import short_names
from tunebook.comparison.table import BEST, WORSE, Row, Table

UNKNOWN = "–"
SIZES = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Column:
    """One column.

    values: plain values by name, for CSV and JSON; the first of them is what `--sort` sorts by.
    text: one cell for people. is_text: set to the left.
    best_first: "high" or "low" where one end is the better one.
    """

    heading: str
    meaning: str
    values: Callable[[Row], Mapping[str, Any]]
    text: Callable[[Row], str]
    is_text: bool = False
    best_first: str = ""


def count(value: float | None) -> str:
    """12,345, or a dash."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def size(value: float | None) -> str:
    """Bytes in decimal units, as in 10.4 kB."""
    if value is None:
        return UNKNOWN
    step = 0
    while value >= 999.5 and step < len(SIZES) - 1:
        value, step = value / 1000, step + 1
    return f"{value:.3g} {SIZES[step]}"


def seconds(value: float | None) -> str:
    """12.3 s, 4 min, 2.5 h."""
    if value is None:
        return UNKNOWN
    if value < 100:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 6000 else f"{value / 3600:.1f} h"


def p_text(p: float) -> str:
    """p=0.03, or p<0.001."""
    return "p<0.001" if p < 0.001 else f"p={p:.2g}"


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
        return f"{WORSE}, {p_text(row.p)}"
    return row.verdict or UNKNOWN


def _seeds(row: Row) -> str:
    return UNKNOWN if row.seeds == [None] else str(len(row.runs))


def _if_trained(shown: Callable[[float | None], str]) -> Callable[[float | None], str]:
    """A baseline has no adapter and no training."""
    return lambda value: shown(value or None)


def _measured(
    heading: str, meaning: str, name: str, part: Callable[[Mapping[str, Any]], Any],
    shown: Callable[[float | None], str], best_first: str = "low",
) -> Column:  # fmt: skip
    """A column of the mean over seeds of a number in metrics.json."""
    return Column(heading, meaning, lambda row: {name: row.mean_of(part)},
                  lambda row: shown(row.mean_of(part)), best_first=best_first)  # fmt: skip


COLUMNS: dict[str, Column] = {
    "method": Column("method", "what was trained", lambda row: {"method": row.method},
                     lambda row: row.method, is_text=True),
    "model": Column("model", "the base model", lambda row: {"model": row.model},
                    lambda row: row.model, is_text=True),
    "setting": Column("setting", "what differs from other rows of this method and model",
                      lambda row: {"setting": row.setting}, lambda row: row.setting, is_text=True),
    "seeds": Column("seeds", "number of runs", lambda row: {"seeds": len(row.runs)}, _seeds),
    "validation": Column("validation loss ↓", "mean over seeds; it ranks settings of one method",
                         lambda row: {"validation_loss": row.validation_loss},
                         lambda row: (UNKNOWN if row.validation_loss is None
                                      else f"{row.validation_loss:.4f}"), best_first="low"),
    "score": Column("score", "headline metric: mean ± standard deviation over seeds",
                    lambda row: {"score": row.score, "sd": row.sd}, _score, best_first="score"),
    "interval": Column("95 % interval", "of the score, over test rows and seeds; `rows`: one seed, "
                       "so over test rows alone",
                       lambda row: {"low": row.low, "high": row.high,
                                    "interval_over": row.interval_over}, _interval,
                       best_first="high"),
    "gain": Column("gain", "score less that of zero_shot on the same model",
                   lambda row: {"gain": row.gain},
                   lambda row: UNKNOWN if row.gain is None else f"{row.gain:+.1f}",
                   best_first="score"),
    "over_instruction": Column("over instr.", "score less that of instruction on the same model",
                               lambda row: {"over_instruction": row.over_instruction},
                               lambda row: UNKNOWN if row.over_instruction is None
                               else f"{row.over_instruction:+.1f}", best_first="score"),
    "verdict": Column("against the best",
                      "whether it differs from the best row, p after Holm; none on one seed",
                      lambda row: {"verdict": row.verdict or None, "p": row.p}, _verdict,
                      is_text=True),
    "trainable": _measured("trainable", "numbers that are trained", "trainable",
                           lambda found: found["parameters"].get("trainable"), count),
    "adapter": _measured("adapter", "size of the trained weights on disk", "adapter_bytes",
                         lambda found: found.get("adapter_bytes"), _if_trained(size)),
    "seconds": _measured("training", "time of training", "train_seconds",
                         lambda found: found["seconds"].get("train"), _if_trained(seconds)),
    "memory": _measured("memory", "peak memory of the run", "peak_memory_bytes",
                        lambda found: found.get("peak_memory_bytes"), size),
    "speed": _measured("tokens/s", "tokens a second in training", "tokens_per_second",
                       lambda found: found["throughput"].get("tokens_per_second"), count, "high"),
    "added": Column("added", "tokens added to each input at inference",
                    lambda row: {"added_tokens": row.added_tokens},
                    lambda row: count(row.added_tokens), best_first="low"),
    "state": Column("state", "complete, failed or running",
                    lambda row: {"state": row.state, "reason": row.reason or None},
                    lambda row: row.state, is_text=True),
    "folder": Column("folder", "the run folders",
                     lambda row: {"folder": " ".join(as_seen(run.path) for run in row.runs)},
                     lambda row: "\n".join(as_seen(run.path) for run in row.runs), is_text=True),
}  # fmt: skip
WHAT = ("method", "model", "setting")
RESULT = ("seeds", "score", "interval", "over_instruction", "gain", "verdict")
COST = ("trainable", "adapter", "seconds", "memory", "speed", "added")
ABOUT = ("state", "folder")


def column_of(name: str) -> Column:
    """A column by name; any other name is the key of a setting."""
    if name in COLUMNS:
        return COLUMNS[name]
    return Column(short_names([name])[name], f"setting {name}",
                  lambda row: {name: row.value_of(name)},
                  lambda row: _setting(row, name))  # fmt: skip


def _setting(row: Row, key: str) -> str:
    value = row.value_of(key)
    return UNKNOWN if value is None else " ".join(str(value).split())


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
    best = column.best_first
    sign = -1 if best == "high" or (best == "score" and higher_is_better) else 1

    def place(row: Row) -> tuple[Any, ...]:
        value = next(iter(column.values(row).values()))
        number = isinstance(value, int | float)
        return value is None, not number, sign * value if number else str(value)

    return sorted(rows, key=place)


def is_best(row: Row) -> bool:
    """Whether the row is to be set in bold."""
    return row.verdict == BEST
