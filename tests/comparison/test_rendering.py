"""Tables as text: every format can be read back, nothing hostile gets through."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from made_runs import make_run
from test_tables import scores

from tunebook.comparison import FORMATS, Table, load, render, sort, tables

HOSTILE = "<script>[bold red]boo[/] | `x` $\\frac & % _ \x1b[31mred"


@pytest.fixture
def found(tmp_path: Path) -> list[Table]:
    """Two tasks; in qa three methods on two bases, several seeds, and a failure."""
    outputs = tmp_path / "outputs"
    make_run(outputs, "task=qa", "method=zero_shot", scores=scores(-20))
    for seed in range(3):
        make_run(outputs, "task=qa", "method=lora", seed=seed, scores=scores(0, seed))
        for tokens in (5, 50):
            make_run(outputs, "task=qa", "method=prompt", f"method.num_virtual_tokens={tokens}",
                     seed=seed, scores=scores(2, tokens + seed))  # fmt: skip
    make_run(outputs, "task=qa", "method=prompt", "model=tiny_llama", scores=scores(-5))
    make_run(outputs, "task=qa", "method=full", state="failed", error=HOSTILE)
    make_run(outputs, "task=summarize", "method=lora", scores=scores(1))
    return tables(load([outputs]).runs)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_names_every_method_and_the_failure(found: list[Table], format: str) -> None:
    text = render(found, format)
    for method in ("zero", "lora", "prompt", "full", "failed", "summarize"):
        assert method in text


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_terminal_shows_every_number_whole(found: list[Table], width: int) -> None:
    text = render(found, width=width)
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    for table in found:
        for row in table.scored:
            for whole in (f"[{row.low:.1f}, {row.high:.1f}]", f"{row.score:.1f}", row.method):
                assert whole in text
    for word in ("num_virtual_tokens=50", "2,560", "10.4 kB", "tokens/s", "added", "tiny_llama"):
        assert word in text
    assert "…" not in text


def test_the_best_row_is_bold_and_colour_is_only_given_where_asked(found: list[Table]) -> None:
    assert "\x1b[" not in render(found, width=120)
    colored = render(found, width=120, color=True)
    assert "\x1b[1m" in colored


def test_nothing_hostile_reaches_the_terminal(found: list[Table]) -> None:
    text = render(found, width=200)
    assert "[bold red]boo[/]" in text
    assert "\x1b" not in text


def test_csv_has_plain_numbers_and_a_line_a_row(found: list[Table]) -> None:
    rows = list(csv.DictReader(io.StringIO(render(found, "csv"))))
    assert len(rows) == sum(len(table.rows) for table in found)
    (lora,) = [row for row in rows if row["method"] == "lora" and row["task"] == "qa"]
    assert lora["seeds"] == "3"
    assert lora["adapter_bytes"] == "10368"
    assert float(lora["low"]) < float(lora["score"]) < float(lora["high"])
    (failed,) = [row for row in rows if row["state"] == "failed"]
    assert failed["score"] == ""
    assert failed["reason"] == HOSTILE


def test_json_says_everything(found: list[Table]) -> None:
    content = json.loads(render(found, "json"))
    assert [table["task"] for table in content] == ["qa", "summarize"]
    table = content[0]
    assert table["metric"] == "f1"
    assert table["conditions"]["torch"] == "2.13.0"
    best = table["rows"][0]
    assert best["verdict"] == "best"
    assert best["p"] is None
    assert best["added_tokens"] in (5, 50)
    assert all(set(row) == set(best) for row in table["rows"])


def test_markdown_is_a_table_whose_cells_hold_no_markup(found: list[Table]) -> None:
    text = render(found, "markdown")
    lines = [line for line in text.splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in lines[: len(found[0].rows) + 2]}
    assert len(bars) == 1
    assert "| **best**" in text
    assert "\\<script>" in text
    assert "\\| \\`x\\`" in text
    assert "zero_shot" in text


def test_latex_has_an_ampersand_between_cells_only(found: list[Table]) -> None:
    text = render(found, "latex")
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.replace(r"\&", "").count("&") == lines[0].count("&") for line in lines[:6])
    assert r"\textbf{best}" in text
    assert r"zero\_shot" in text
    assert r"\toprule" in text
    for line in text.splitlines():  # reasons stand in comments
        assert "script" not in line or line.startswith("%")


def test_columns_are_chosen_and_may_be_settings(found: list[Table]) -> None:
    text = render(found[1:], "csv", ["method", "score", "training.optim"])
    head = text.splitlines()[0]
    assert head.endswith("method,score,sd,training.optim")
    assert "adafactor" in text or "adamw_torch" in text
    assert "optim" in render(found[1:], "markdown", ["method", "training.optim"])


def test_sorting_puts_the_better_end_first_and_the_unknown_last(found: list[Table]) -> None:
    sort(found, "trainable")
    assert found[0].rows[0].method == "zero_shot"
    assert found[0].rows[-1].method == "full"
    sort(found, "gain")
    gains = [row.gain for row in found[0].rows if row.gain is not None]
    assert gains == sorted(gains, reverse=True)
    sort(found, "method")
    assert [row.method for row in found[0].rows] == sorted(row.method for row in found[0].rows)


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ValueError, match="'pdf' is none of rich"):
        render([], "pdf")
