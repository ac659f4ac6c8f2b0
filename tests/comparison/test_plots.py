"""Figures: what is on the Pareto front, which curves there are, what the files and the SVG hold."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_runs import make_run
from test_tables import scores

from tunebook.comparison import Table, load, tables
from tunebook.comparison.plots import figures_of, inline_svg, write_plots
from tunebook.comparison.plots.learning import mean_curve, validation_losses
from tunebook.comparison.plots.pareto import front

HOSTILE = "$\\frac{1}{0}$ <b>&amp;</b> _x"


def table_of(folder: Path, group_by: str | None = None) -> Table:
    (table,) = tables(load([folder]).runs, group_by)
    return table


def names_of(table: Table) -> list[str]:
    return [figure.name for figure in figures_of(table)]


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Four methods; two seeds of lora with a learning curve."""
    folder = tmp_path / "outputs"
    make_run(folder, "task=qa", "method=zero_shot", scores=scores(-20))
    for seed in range(2):
        make_run(folder, "task=qa", "method=lora", seed=seed, scores=scores(4, seed),
                 losses=[2.0 + seed, 1.0 + seed, 0.5 + seed],
                 metrics={"parameters": {"trainable": 135_168, "total": 10**6}})  # fmt: skip
    make_run(folder, "task=qa", "method=prompt", scores=scores(0))
    make_run(folder, "task=qa", "method=prefix", scores=scores(-4),
             metrics={"parameters": {"trainable": 5000, "total": 10**6}})  # fmt: skip
    return folder


POINTS = [(0, 10), (5, 40), (5, 30), (9, 35), (20, 80), (20, 80)]


def test_the_front_holds_what_nothing_beats_in_cost_and_score() -> None:
    assert front(POINTS, higher_is_better=True) == [0, 1, 4, 5]
    assert front([(0, 9.0), (3, 9.0), (4, 2.0)], higher_is_better=False) == [0, 2]
    assert front([], higher_is_better=True) == []


def test_every_cost_and_the_learning_curve_have_a_figure(outputs: Path) -> None:
    table = table_of(outputs)
    assert names_of(table) == ["pareto-trainable", "pareto-seconds", "pareto-memory", "learning"]
    words = {figure.name: figure.words for figure in figures_of(table)}
    (lora,) = [row for row in table.rows if row.method == "lora"]
    assert "zero_shot (0, " in words["pareto-trainable"]
    assert f"lora (135k, {lora.score:.1f})" in words["pareto-trainable"]
    assert "prefix" not in words["pareto-trainable"]
    assert words["learning"] == "Mean over seeds: lora from 2.5 to 1."


def test_one_row_and_rows_that_failed_have_no_figure(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    make_run(tmp_path, "task=qa", "method=prompt", state="failed", error="no room")
    assert figures_of(table_of(tmp_path)) == []


def test_a_history_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text('{"step": 0, "validation_loss": 2.5}\n{"step": 5, "loss": 1}\n[1]\n\n'
                    '{"step": 9, "validation_loss": NaN}\n{"step": 10, "validation_loss": 1}\n{"st'
                    )  # fmt: skip
    assert validation_losses(file) == {0: 2.5, 10: 1.0}
    assert validation_losses(tmp_path / "absent") == {}
    file.write_bytes(b"\xff\xfe")
    assert validation_losses(file) == {}


def test_seeds_are_averaged_where_all_have_a_value() -> None:
    assert mean_curve([{0: 1.0, 5: 3.0, 9: 1.0}, {0: 2.0, 5: 5.0}]) == {0: 1.5, 5: 4.0}


def test_of_many_rows_only_those_on_the_front_are_named(tmp_path: Path) -> None:
    for number in range(20):
        parameters = {"trainable": 1000 + number * 100, "total": 10**6}
        make_run(tmp_path, "task=qa", "method=prompt", f"method.num_virtual_tokens={number + 1}",
                 scores=[60 if number == 7 else 50.0 - number], metrics={"parameters": parameters}
                 )  # fmt: skip
    text = inline_svg(figures_of(table_of(tmp_path))[0], "a")
    named = re.findall(r">prompt num_virtual_tokens=(\d+)<", text)
    assert sorted(named) == ["1", "8"]
    assert ">18 other rows<" in text


def test_a_swept_number_makes_a_curve_by_itself(tmp_path: Path) -> None:
    for tokens in (5, 20, 50):
        for rate in (0.1, 0.3):
            make_run(tmp_path, "task=qa", "method=prompt", f"training.learning_rate={rate}",
                     f"method.num_virtual_tokens={tokens}", scores=scores(tokens / 10))  # fmt: skip
    table = table_of(tmp_path)
    (swept,) = [figure for figure in figures_of(table) if figure.name.startswith("over-")]
    assert swept.name == "over-num_virtual_tokens"  # two learning rates are no curve
    curves = swept.words.split("; ")
    assert [curve.split(":")[0] for curve in curves] == [
        "prompt learning_rate=0.1", "prompt learning_rate=0.3",
    ]  # fmt: skip
    assert re.findall(r"at (\d+)", curves[0]) == ["5", "20", "50"]


def test_any_setting_that_is_grouped_by_is_drawn(tmp_path: Path) -> None:
    for init in ("text", "random"):
        make_run(tmp_path, "task=qa", "method=prompt", f"method.init={init}")
    make_run(tmp_path, "task=qa", "method=zero_shot")
    table = table_of(tmp_path, "method.init")
    (swept,) = [figure for figure in figures_of(table) if figure.name == "over-init"]
    assert swept.words == "prompt: 60.0 at random, 60.0 at text."
    assert ">random<" in inline_svg(swept, "a")
    assert ">zero_shot<" in inline_svg(swept, "a")  # a level line


def test_files_are_pdf_and_png_and_named_by_task_and_figure(outputs: Path, tmp_path: Path) -> None:
    make_run(outputs, "task=summarize", "method=lora")
    make_run(outputs, "task=summarize", "method=prompt")
    files = write_plots(tables(load([outputs]).runs), tmp_path / "a" / "b")
    assert files == [
        tmp_path / "a" / "b" / f"{name}.{kind}"
        for name in ("qa-pareto-trainable", "qa-pareto-seconds", "qa-pareto-memory", "qa-learning",
                     "summarize-pareto-trainable", "summarize-pareto-seconds",
                     "summarize-pareto-memory")
        for kind in ("pdf", "png")
    ]  # fmt: skip
    starts = {".pdf": b"%PDF", ".png": b"\x89PNG"}
    assert all(file.read_bytes().startswith(starts[file.suffix]) for file in files)


def test_tables_of_one_task_do_not_write_over_each_other(tmp_path: Path) -> None:
    for beams in (1, 4):
        for method in ("lora", "prompt"):
            make_run(tmp_path, "task=qa", f"method={method}", f"decoding.num_beams={beams}")
    files = write_plots(tables(load([tmp_path]).runs), tmp_path)
    assert {file.name.split("-pareto")[0] for file in files} == {"qa-1", "qa-2"}
    assert len(set(files)) == len(files) == 12


def test_svg_is_text_in_the_pages_colours_with_a_name_and_words(outputs: Path) -> None:
    figures = figures_of(table_of(outputs))
    texts = [inline_svg(figure, f"f{i}") for i, figure in enumerate(figures)]
    ids: list[str] = []
    for text, figure in zip(texts, figures, strict=True):
        root = ElementTree.fromstring(text)
        (title, words) = root[0], root[1]
        assert (title.text, words.text) == (figure.title, figure.words)
        assert root.get("aria-labelledby") == f"{title.get('id')} {words.get('id')}"
        assert ">lora<" in text
        assert not re.search(r"#[0-9a-f]{6}\b", text)
        assert "var(--line-0)" in text
        assert "<style" not in text
        own = re.findall(r'\bid="([^"]+)"', text)
        used = re.findall(r'(?:href="|url\()#([^")]+)', text)
        assert set(used) <= set(own)
        ids += own
    assert len(set(ids)) == len(ids)


def test_names_are_never_read_as_formulas_or_markup(tmp_path: Path) -> None:
    for method in ("lora", "prompt"):
        make_run(tmp_path, "task=qa", f"method={method}", f"task.instruction='{HOSTILE}'")
    table = table_of(tmp_path)
    for row in table.rows:
        row.setting = HOSTILE
    text = inline_svg(figures_of(table)[0], "a")
    root = ElementTree.fromstring(text)
    shown = {element.text for element in root.iter() if element.tag.endswith("text")}
    assert f"lora {HOSTILE}" in shown
    assert "<b>" not in text
