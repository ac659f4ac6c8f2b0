"""What stands together, what is kept apart and why, and what each row says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_runs import make_run

from tunebook.comparison import Filter, Row, Table, load, render, tables
from tunebook.comparison.page.write import page_text

DIFFICULTY = np.random.default_rng(0).normal(50, 15, 60)


def scores(mean: float, number: int = 0) -> list[float]:
    noise = np.random.default_rng([number, int(mean * 10) + 1000]).normal(0, 5, len(DIFFICULTY))
    return list(np.clip(DIFFICULTY + mean + noise, 0, 100))


def tables_of(folder: Path, group_by: str | None = None) -> list[Table]:
    return tables(load([folder]).runs, group_by)


def by_name(table: Table) -> dict[str, Row]:
    return {row.name: row for row in table.rows}


def test_runs_that_differ_in_the_seed_alone_are_one_row(tmp_path: Path) -> None:
    values = [scores(mean) for mean in (0, 2, 4)]
    for seed, value in enumerate(values):
        make_run(tmp_path, "task=qa", "method=lora", seed=seed, scores=value)
    ((row,),) = [table.rows for table in tables_of(tmp_path)]
    means = [np.mean(value) for value in values]
    assert row.seeds == [0, 1, 2]
    assert row.score == pytest.approx(np.mean(means))
    assert row.sd == pytest.approx(np.std(means, ddof=1))
    assert row.low is not None
    assert row.high is not None
    assert row.score is not None
    assert row.low < row.score < row.high
    assert row.verdict == ""  # there is nothing to compare it with


def test_one_seed_keeps_the_interval_that_the_run_says_and_the_table_tells(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", scores=scores(0))
    (table,) = tables_of(tmp_path)
    (row,) = table.rows
    assert (row.low, row.high, row.sd) == (row.score - 2, row.score + 2, None)  # type: ignore[operator]
    assert any("one seed" in note for note in table.notes)


def test_verdicts_and_gains(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=zero_shot", scores=scores(-20))
    for seed in (0, 1, 2):
        make_run(tmp_path, "task=qa", "method=prompt", seed=seed, scores=scores(0, seed))
        make_run(tmp_path, "task=qa", "method=lora", seed=seed, scores=scores(0.2, seed))
    (table,) = tables_of(tmp_path)
    rows = by_name(table)
    assert [row.verdict for row in table.rows] == ["best", "not distinguishable", "worse"]
    assert table.rows[-1].method == "zero_shot"
    zero = rows["zero_shot"]
    assert zero.gain is None
    assert zero.p is not None
    assert zero.p < 0.001
    assert rows["lora"].gain == pytest.approx(rows["lora"].score - zero.score)  # type: ignore[operator]


NO = "no verdict"


def seeded(folder: Path, method: str, seeds: int, mean: float, *words: str, sd: float = 1) -> None:
    for seed in range(seeds):
        luck = mean + sd * (-1) ** seed
        make_run(
            folder, "task=qa", f"method={method}", *words, seed=seed, scores=scores(luck, seed)
        )


def verdicts(folder: Path) -> dict[str, str]:
    return {row.name: row.verdict for row in tables_of(folder)[0].rows}


def test_one_seed_has_no_verdict_whatever_stands_beside_it(tmp_path: Path) -> None:
    seeded(tmp_path, "lora", 1, 20)
    seeded(tmp_path, "prompt", 1, 0)
    assert verdicts(tmp_path) == {"lora": NO, "prompt": NO}
    seeded(tmp_path, "prefix", 3, 5)
    assert verdicts(tmp_path) == {"lora": NO, "prompt": NO, "prefix": NO}
    assert all(row.p is None for row in tables_of(tmp_path)[0].rows)


def test_one_seed_takes_no_verdict_from_the_rows_of_several(tmp_path: Path) -> None:
    seeded(tmp_path, "lora", 1, 20)
    seeded(tmp_path, "prefix", 3, 8)
    seeded(tmp_path, "prompt", 3, -8)
    seeded(tmp_path, "zero_shot", 1, -20)
    assert verdicts(tmp_path) == {
        "lora": NO, "prefix": "best of those judged", "prompt": "worse", "zero_shot": "worse",
    }  # fmt: skip


def test_a_method_that_trains_nothing_needs_one_run_alone(tmp_path: Path) -> None:
    seeded(tmp_path, "instruction", 1, -10)
    seeded(tmp_path, "zero_shot", 1, -20)
    assert verdicts(tmp_path) == {"instruction": "best", "zero_shot": "worse"}
    seeded(tmp_path, "prompt", 2, 10, sd=0.1)
    assert verdicts(tmp_path) == {"prompt": "best", "instruction": "worse", "zero_shot": "worse"}


def test_six_equal_rows_of_one_seed_are_not_told_apart(tmp_path: Path) -> None:
    luck = np.random.default_rng(0).normal(0, 1, 6)
    for tokens, mean in zip((5, 6, 7, 8, 9, 10), luck, strict=True):
        seeded(tmp_path, "prompt", 1, mean, f"method.num_virtual_tokens={tokens}")
    assert set(verdicts(tmp_path).values()) == {NO}


@pytest.mark.parametrize("examples", [1, 2, 4])
def test_a_few_equal_differences_prove_nothing(tmp_path: Path, examples: int) -> None:
    for method, score in (("zero_shot", 0.0), ("instruction", 100.0)):
        make_run(tmp_path, "task=qa", f"method={method}", scores=[score] * examples)
    (table,) = tables_of(tmp_path)
    assert not {row.verdict for row in table.rows} & {"worse"}
    assert all(row.p is None or row.p >= 2 ** (1 - examples) for row in table.rows)
    if examples == 1:
        assert {(row.low, row.verdict) for row in table.rows} == {(None, NO)}
        assert table.notes == ["One test example: no interval and no verdict."]


def test_the_table_says_how_many_seeds_would_show_the_gap(tmp_path: Path) -> None:
    seeded(tmp_path, "lora", 3, 6)
    seeded(tmp_path, "prompt", 1, 0)
    (note,) = [note for note in tables_of(tmp_path)[0].notes if note.startswith("Seeds a row")]
    assert "four times in five, at the seed deviation seen: prompt " in note


def test_two_seeds_and_tuned_rows_say_what_their_interval_is_worth(tmp_path: Path) -> None:
    seeded(tmp_path, "lora", 2, 0)
    seeded(tmp_path, "prompt", 3, 0, "tune.report=tune-0.json")
    notes = " ".join(tables_of(tmp_path)[0].notes)
    assert "holds the true score in 88 of 100 cases, not 95" in notes
    assert "do not count the luck of the search" in notes


def test_without_a_zero_shot_run_the_gain_is_over_the_runs_own_before(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", scores=scores(0), before=12.5)
    make_run(tmp_path, "task=qa", "method=lora", "template=instruction", scores=scores(0))
    rows = by_name(tables_of(tmp_path)[0])
    assert rows["lora template=bare"].gain == pytest.approx(np.mean(scores(0)) - 12.5)
    assert rows["lora template=instruction"].gain is None  # its `before` is another template's


def test_the_gain_over_the_instruction_is_over_its_row_or_what_the_run_holds(
    tmp_path: Path,
) -> None:
    lora = np.mean(scores(0))
    held = {"instruction": {"f1": 50.0}}
    make_run(tmp_path, "task=qa", "method=lora", scores=scores(0), metrics=held)
    (row,) = tables_of(tmp_path)[0].rows
    assert row.over_instruction == pytest.approx(lora - 50)
    make_run(tmp_path, "task=qa", "method=instruction", scores=scores(-5))
    make_run(tmp_path, "task=qa", "method=zero_shot", scores=scores(-9))
    rows = by_name(tables_of(tmp_path)[0])
    plain = np.mean(scores(-5))
    assert rows["lora"].over_instruction == pytest.approx(lora - plain)
    assert rows["zero_shot"].over_instruction == pytest.approx(np.mean(scores(-9)) - plain)
    assert rows["instruction"].over_instruction is None


def test_other_settings_are_shown_in_the_label(tmp_path: Path) -> None:
    for tokens in (5, 20):
        make_run(tmp_path, "task=qa", "method=prompt", f"method.num_virtual_tokens={tokens}")
    make_run(tmp_path, "task=qa", "method=prompt", "data.limit.train=9")
    make_run(tmp_path, "task=qa", "method=lora")
    (table,) = tables_of(tmp_path)
    assert {row.name for row in table.rows} == {
        "prompt num_virtual_tokens=5",
        "prompt num_virtual_tokens=20",
        "prompt num_virtual_tokens=20, train=9",
        "lora",
    }
    assert {row.name: row.added_tokens for row in table.rows}["lora"] == 0


def test_long_settings_are_cut_where_they_still_differ(tmp_path: Path) -> None:
    alike = "Say in one short sentence what happened in the village"
    for end in ("today", "last week and why"):
        make_run(tmp_path, "task=qa", "method=instruction", f"task.instruction='{alike} {end}'")
    (table,) = tables_of(tmp_path)
    assert {row.setting for row in table.rows} == {
        "instruction=…village today", "instruction=…village last week and why",
    }  # fmt: skip


def test_settings_that_do_not_reach_a_baseline_do_not_split_it(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=zero_shot", scores=scores(0))
    make_run(tmp_path, "task=qa", "method=zero_shot", "training.max_steps=5", scores=scores(0))
    (table,) = tables_of(tmp_path)
    assert [row.name for row in table.rows] == ["zero_shot"]
    assert table.notes == []


def test_tokens_added_at_inference(tmp_path: Path) -> None:
    for method in ("zero_shot", "instruction", "prompt", "prefix", "lora", "full"):
        make_run(tmp_path, "task=qa", f"method={method}")
    found = {row.method: row.added_tokens for row in tables_of(tmp_path)[0].rows}
    assert found == {
        "zero_shot": 0, "instruction": None, "prompt": 20, "prefix": 20, "lora": 0, "full": 0,
    }  # fmt: skip


APART = {
    "decoding.num_beams": (["decoding.num_beams=4"], {}),
    "decoding.max_new_tokens": (["decoding.max_new_tokens=9"], {}),
    "data.seed": (["data.seed=1"], {}),
    "task.language": (["task.language=fr"], {}),
    "torch": ([], {"versions": {"torch": "2.12.0"}}),
    "peft": ([], {"versions": {"peft": "0.20.0"}}),
    "tunebook": ([], {"versions": {"tunebook": "0.2.0"}}),
    "f1 signature": ([], {"metrics": {"signatures": {"f1": "another"}}}),
}


@pytest.mark.parametrize("why", APART)
def test_what_cannot_be_compared_is_kept_apart_and_says_why(tmp_path: Path, why: str) -> None:
    words, options = APART[why]
    make_run(tmp_path, "task=qa", "method=lora")
    make_run(tmp_path, "task=qa", "method=prompt")
    make_run(tmp_path, "task=qa", "method=prefix", *words, **options)  # type: ignore[arg-type]
    found = tables_of(tmp_path)
    assert [len(table.rows) for table in found] == [2, 1]
    assert [list(table.apart) for table in found] == [[why], [why]]
    assert found[0].apart[why] != found[1].apart[why]


def test_other_test_examples_are_kept_apart(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", references=["a", "b", "c"], texts=list("abc"))
    make_run(tmp_path, "task=qa", "method=prompt", references=["a", "b", "d"], texts=list("abc"))
    found = tables_of(tmp_path)
    assert [list(table.apart) for table in found] == [["test examples"]] * 2


def test_tasks_have_their_own_tables(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    make_run(tmp_path, "task=summarize", "method=lora")
    assert [(table.task, table.apart) for table in tables_of(tmp_path)] == [
        ("qa", {}), ("summarize", {}),
    ]  # fmt: skip


def test_unfinished_runs_stay_as_rows_beside_what_they_can_be_compared_with(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", seed=0)
    make_run(tmp_path, "task=qa", "method=lora", "decoding.num_beams=2", seed=0)
    make_run(tmp_path, "task=qa", "method=lora", seed=1, state="failed", error="no room")
    make_run(tmp_path, "task=qa", "method=prompt", state="running")
    one, other = tables_of(tmp_path)
    assert [(row.name, row.seeds, row.state, row.reason) for row in one.rows] == [
        ("lora", [0], "complete", ""),
        ("lora", [1], "failed", "no room"),
        ("prompt", [0], "running", "at step 3"),
    ]
    assert len(other.rows) == 1


def test_a_run_that_failed_early_is_not_named_by_what_is_not_known_of_it(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", seed=0)
    early = make_run(tmp_path, "task=qa", "method=lora", seed=1, state="failed", error="no room")
    (early / "environment.json").unlink()
    (table,) = tables_of(tmp_path)
    assert [(row.name, row.state) for row in table.rows] == [
        ("lora", "complete"), ("lora", "failed"),
    ]  # fmt: skip


def test_a_baseline_has_no_place_on_a_curve_over_training(tmp_path: Path) -> None:
    for steps in (5, 9):
        for method in ("lora", "zero_shot"):
            make_run(tmp_path, "task=qa", f"method={method}", f"training.max_steps={steps}")
    (table,) = tables_of(tmp_path, "training.max_steps")
    assert [(row.method, row.group) for row in table.rows] == [
        ("lora", 5), ("lora", 9), ("zero_shot", None),
    ]  # fmt: skip


def test_nothing_but_failures_is_a_table_too(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", state="failed", error="no room")
    (table,) = tables_of(tmp_path)
    assert table.rows[0].reason == "no room"
    assert table.examples is None


def test_two_runs_of_one_seed_count_once_and_are_told(tmp_path: Path) -> None:
    make_run(tmp_path / "a", "task=qa", "method=lora", scores=scores(0))
    newer = make_run(tmp_path / "b", "task=qa", "method=lora", scores=scores(9))
    (table,) = tables_of(tmp_path)
    (row,) = table.rows
    assert [run.path for run in row.runs] == [newer]
    assert "2 runs of lora on tiny_t5 have the same settings and seed 0" in table.notes[0]


def test_grouped_rows_follow_the_setting_and_give_its_curve(tmp_path: Path) -> None:
    for tokens in (20, 5, 50):
        for seed in range(2):
            make_run(tmp_path, "task=qa", "method=prompt", f"method.num_virtual_tokens={tokens}",
                     seed=seed, scores=scores(tokens / 5, seed))  # fmt: skip
    make_run(tmp_path, "task=qa", "method=lora", scores=scores(0))
    (table,) = tables_of(tmp_path, "method.num_virtual_tokens")
    assert [(row.method, row.group, len(row.runs)) for row in table.rows] == [
        ("lora", None, 1), ("prompt", 5, 2), ("prompt", 20, 2), ("prompt", 50, 2),
    ]  # fmt: skip
    assert all(row.setting == "" for row in table.rows)


def test_a_condition_that_is_grouped_by_does_not_keep_runs_apart(tmp_path: Path) -> None:
    for beams in (1, 4):
        make_run(tmp_path, "task=qa", "method=lora", f"decoding.num_beams={beams}")
    (table,) = tables_of(tmp_path, "decoding.num_beams")
    assert [row.group for row in table.rows] == [1, 4]


def test_distinct_has_scores_but_no_interval(tmp_path: Path) -> None:
    head = {"name": "distinct1", "value": 7.0, "higher_is_better": True, "interval": [7, 7]}
    for method in ("lora", "prompt"):
        make_run(tmp_path, "task=qa", f"method={method}", metrics={"headline": head})
    (table,) = tables_of(tmp_path)
    assert {(row.score, row.low, row.p) for row in table.rows} == {(7.0, None, None)}
    assert "no interval" in table.notes[0]


def with_loss(folder: Path, loss: float, mean: float, *words: str, seeds: int = 2) -> None:
    for seed in range(seeds):
        make_run(folder, "task=qa", *words, seed=seed, scores=scores(mean, seed),
                 metrics={"loss": {"train": 1.0, "validation": loss + seed / 100,
                                   "validation_start": 9.0}})  # fmt: skip


def test_settings_of_one_method_are_ranked_on_validation_whatever_test_says(tmp_path: Path) -> None:
    for rate, loss, mean in ((0.1, 2.0, 9), (0.2, 1.0, 0), (0.3, 3.0, 5)):
        with_loss(tmp_path, loss, mean, "method=prompt", f"training.learning_rate={rate}")
    (table,) = tables_of(tmp_path)
    assert [(row.setting, row.chosen) for row in table.rows] == [
        ("learning_rate=0.2", True), ("learning_rate=0.1", False), ("learning_rate=0.3", False),
    ]  # fmt: skip
    assert [row.score is None for row in table.rows] == [False, True, True]
    assert [row.verdict for row in table.rows] == ["", "not chosen", "not chosen"]
    assert table.rows[0].validation_loss == pytest.approx(1.005)
    assert "ranked by validation loss" in table.notes[0]
    assert "validation loss ↓" in render([table], "markdown")
    assert "1.0050" in render([table], "markdown")


def test_only_the_chosen_settings_of_a_method_meet_the_others(tmp_path: Path) -> None:
    with_loss(tmp_path, 2.0, 9, "method=prompt", "training.learning_rate=0.1")
    with_loss(tmp_path, 1.0, 0, "method=prompt", "training.learning_rate=0.2")
    with_loss(tmp_path, 5.0, 4, "method=lora")
    make_run(tmp_path, "task=qa", "method=zero_shot", scores=scores(-20))
    (table,) = tables_of(tmp_path)
    assert [(row.method, row.verdict) for row in table.rows[:1]] == [("lora", "best")]
    assert [(row.name, row.verdict) for row in table.rows[-1:]] == [
        ("prompt learning_rate=0.1", "not chosen"),
    ]  # fmt: skip


def test_methods_and_amounts_of_data_are_not_chosen_among(tmp_path: Path) -> None:
    with_loss(tmp_path, 2.0, 9, "method=prompt")
    with_loss(tmp_path, 1.0, 0, "method=prompt", "data.limit.train=9")
    with_loss(tmp_path, 1.0, 0, "method=lora")
    (table,) = tables_of(tmp_path)
    assert [row.chosen for row in table.rows] == [None, None, None]


def test_debug_runs_are_left_out_and_named_unless_they_are_asked_for(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    make_run(tmp_path, "task=qa", "method=lora", "debug=true")
    loaded = load([tmp_path])
    assert [run.is_debug for run in loaded.runs] == [False]
    assert loaded.notes == [
        "1 debug run is left out; debug=true shows only these, debug=true,false all runs"
    ]
    both = load([tmp_path], [Filter("debug", [True, False])])
    assert both.notes == []
    names = [row.name for table in tables(both.runs) for row in table.rows]
    assert sorted(names) == ["lora", "lora debug"]


def test_where_there_are_only_debug_runs_they_are_shown_and_labelled(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", "debug=true")
    loaded = load([tmp_path])
    assert [row.name for row in tables(loaded.runs)[0].rows] == ["lora debug"]
    assert loaded.notes == ["there are only debug runs, of a few rows and steps: no result"]


def test_a_run_that_no_step_made_better_is_labelled_untrained(tmp_path: Path) -> None:
    start = {"loss": {"train": 1.0, "validation": 2.5, "validation_start": 2.5}}
    make_run(tmp_path, "task=qa", "method=lora", metrics=start)
    make_run(tmp_path, "task=qa", "method=prompt", metrics=start)
    make_run(tmp_path, "task=qa", "method=prompt", seed=1)
    stopped = make_run(tmp_path, "task=qa", "method=prefix")
    (stopped / "status.json").write_text('{"state": "complete", "error": null, "step": 0}')
    make_run(tmp_path, "task=qa", "method=zero_shot")
    assert {row.name for row in tables_of(tmp_path)[0].rows} == {
        "lora untrained", "prompt untrained (1 of 2 seeds)", "prefix untrained", "zero_shot",
    }  # fmt: skip


@pytest.mark.parametrize("format", ["rich", "markdown", "csv", "json", "latex"])
def test_rows_can_be_told_apart_whatever_columns_are_asked_for(tmp_path: Path, format: str) -> None:
    for tokens in (5, 20):
        make_run(tmp_path, "task=qa", "method=prompt", f"method.num_virtual_tokens={tokens}")
    found = render(tables_of(tmp_path), format, ["method", "score"], width=200)
    assert "tokens=20" in found.replace("\\", "")
    alone = render(tables_of(tmp_path / "qa" / "tiny_t5"), format, ["setting", "score"], width=200)
    assert "prompt" not in alone


def test_no_path_of_the_machine_stands_in_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outputs = tmp_path / "outputs"
    make_run(outputs, "task=qa", "method=lora")
    (outputs / "broken").mkdir()
    (outputs / "broken" / "status.json").write_text("{")
    loaded = load([outputs.absolute()])
    page = page_text(tables(loaded.runs), tmp_path, loaded.skipped)
    assert str(tmp_path) not in page
    assert "outputs/qa/tiny_t5/lora" in page
    assert "skipped outputs/broken" in page
    for format in ("csv", "json", "markdown"):
        assert str(tmp_path) not in render(tables(loaded.runs), format)
