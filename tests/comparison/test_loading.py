"""Run folders are found, read, filtered; broken ones are told and left out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_runs import make_run

from tunebook.comparison import Filter, load
from tunebook.errors import RequestError


def problems(*filters: Filter, folder: Path) -> list[str]:
    with pytest.raises(RequestError) as caught:
        load([folder], filters)
    return [str(problem) for problem in caught.value.problems]


def test_finds_runs_at_any_depth_and_each_once(tmp_path: Path) -> None:
    run = make_run(tmp_path / "outputs", "task=qa", "method=lora")
    (tmp_path / "outputs" / ".before").mkdir()
    for given in ([tmp_path], [run], [run, tmp_path / "outputs", run]):
        assert [one.path.resolve() for one in load(given).runs] == [run]


def test_reads_settings_scores_and_what_null_became(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=prompt", "method.num_virtual_tokens=7", seed=3,
             scores=[10.0, 20.0, 60.0])  # fmt: skip
    (run,) = load([tmp_path]).runs
    assert (run.task, run.model, run.method, run.seed) == ("qa", "tiny_t5", "prompt", 3)
    assert run.settings["method.num_virtual_tokens"] == 7
    assert run.settings["model.dtype"] == "float32"
    assert run.score == 30.0
    assert run.examples is not None
    assert run.examples.statistics is not None
    assert run.examples.statistics[:, 0].tolist() == [10, 20, 60]


def test_corpus_metrics_are_counted_from_texts_or_read_where_they_are_kept(tmp_path: Path) -> None:
    texts = ["the cat sat on the mat today", "a dog ran in", "x"]
    references = ["the cat sat on a mat today", "a dog ran in the house", "y"]
    folder = make_run(tmp_path, "task=translate", "method=lora", texts=texts, references=references)
    (run,) = load([tmp_path]).runs
    assert run.examples is not None
    counted = run.examples.statistics
    assert counted is not None
    assert counted.shape == (3, 10)
    file = folder / "predictions.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row, counts in zip(rows, counted, strict=True):
        row |= {"statistics": {"after": {"bleu": counts.astype(int).tolist()}}, "after": "?"}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run,) = load([tmp_path]).runs
    assert run.examples is not None
    assert run.examples.statistics is not None
    assert run.examples.statistics.tolist() == counted.tolist()


def test_rows_are_paired_by_id_whatever_their_order(tmp_path: Path) -> None:
    one = make_run(tmp_path, "task=qa", "method=lora", scores=[1.0, 2.0, 3.0])
    other = make_run(tmp_path, "task=qa", "method=prompt", scores=[1.0, 2.0, 3.0])
    file = other / "predictions.jsonl"
    file.write_text("".join(reversed(file.read_text().splitlines(keepends=True))))
    first, second = (run.examples for run in load([one, other]).runs)
    assert first is not None
    assert second is not None
    assert first.content == second.content
    assert np.array_equal(first.statistics, second.statistics)


BREAKS = {
    "predictions.jsonl: cannot be read to its end": ("predictions.jsonl", lambda text: text[:-20]),
    "predictions.jsonl: has 2 rows, metrics.json says 3": (
        "predictions.jsonl", lambda text: "".join(text.splitlines(keepends=True)[:2])),
    "predictions.jsonl: gives f1": (
        "predictions.jsonl", lambda text: text.replace('{"f1": 50.0}}', '{"f1": 51.0}}')),
    "predictions.jsonl: KeyError 'id'": (
        "predictions.jsonl", lambda text: text.replace('"id"', '"name"')),
    "predictions.jsonl: is missing": ("predictions.jsonl", None),
    "metrics.json: is missing": ("metrics.json", None),
    "metrics.json: is no valid JSON": ("metrics.json", lambda text: text[:50]),
    "metrics.json: lacks the headline metric": ("metrics.json", lambda text: "{}"),
    "settings.yaml: is missing": ("settings.yaml", None),
    "settings.yaml: task:2 is no valid YAML": ("settings.yaml", lambda text: "task: ["),
    "settings.yaml: it holds a list, not keys with values": (
        "settings.yaml", lambda text: "[1]"),
    "settings.yaml: seed expects a whole number, got {}": (
        "settings.yaml", lambda text: text.replace("\nseed: 0", "\nseed: {}")),
    "metrics.json: headline.interval is [None, None], not two numbers": (
        "metrics.json", lambda text: text.replace("[58.0, 62.0]", "[null, null]")),
    "metrics.json: before is [], not numbers": (
        "metrics.json", lambda text: text.replace('{"f1": 20.0}', "[]")),
    "environment.json: packages is [], not versions": (
        "environment.json", lambda text: '{"packages": []}'),
    "settings.yaml: lacks task.name": ("settings.yaml", lambda text: "seed: 1"),
    "status.json: is missing": ("status.json", None),
    "status.json: is no valid JSON": ("status.json", lambda text: "{"),
    "status.json: 'done' is no state": ("status.json", lambda text: '{"state": "done"}'),
}  # fmt: skip


@pytest.mark.parametrize("told", BREAKS)
def test_broken_folders_are_told_in_a_line_and_skipped(tmp_path: Path, told: str) -> None:
    good = make_run(tmp_path, "task=qa", "method=lora")
    broken = make_run(tmp_path, "task=qa", "method=prompt")
    name, change = BREAKS[told]
    file = broken / name
    text = file.read_text()
    file.unlink()
    if change:
        file.write_text(change(text))
    loaded = load([tmp_path])
    assert [run.path for run in loaded.runs] == [good]
    (skipped,) = loaded.skipped
    assert str(skipped).startswith(f"skipped {broken}: {told}")
    assert "\n" not in str(skipped)


def test_binary_rubbish_is_skipped(tmp_path: Path) -> None:
    for name in ("settings.yaml", "status.json", "metrics.json", "predictions.jsonl"):
        folder = make_run(tmp_path / name, "task=qa", "method=lora")
        (folder / name).write_bytes(b"\x00\xff\xfe rubbish \x80")
    loaded = load([tmp_path])
    assert loaded.runs == []
    assert len(loaded.skipped) == 4


def test_half_a_character_in_a_reason_is_no_text(tmp_path: Path) -> None:
    file = make_run(tmp_path, "task=qa", "method=lora", state="failed", error="a (half)")
    file /= "status.json"
    file.write_text(file.read_text().replace("(half)", "\\ud800"))
    (skipped,) = load([tmp_path]).skipped
    assert skipped.reason.startswith("status.json: holds half a character")


def test_failed_and_running_runs_stay_with_the_first_line_of_their_reason(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", state="failed",
             error="OutOfMemoryError: no room\nTraceback")  # fmt: skip
    make_run(tmp_path, "task=qa", "method=prompt", state="running")
    early = make_run(tmp_path, "task=qa", "method=full", state="failed", error="no disk")
    (early / "settings.yaml").unlink()
    found = {run.method: (run.state, run.reason) for run in load([tmp_path]).runs}
    assert found == {
        "full": ("failed", "no disk"),
        "lora": ("failed", "OutOfMemoryError: no room"),
        "prompt": ("running", "at step 3"),
    }


def test_filters_keep_runs_by_group_key_state_and_pattern(tmp_path: Path) -> None:
    for method in ("prompt", "prefix", "lora"):
        make_run(tmp_path, "task=qa", f"method={method}")
    make_run(tmp_path, "task=summarize", "method=lora", state="failed", error="x")

    def kept(*filters: Filter) -> list[str]:
        return sorted(f"{run.task} {run.method}" for run in load([tmp_path], filters).runs)

    assert kept(Filter("task", ["qa"]), Filter("method", ["lora", "prompt"])) == [
        "qa lora", "qa prompt",
    ]  # fmt: skip
    assert kept(Filter("method", patterns=["p*"])) == ["qa prefix", "qa prompt"]
    assert kept(Filter("state", ["failed"])) == ["summarize lora"]
    assert kept(Filter("method.num_virtual_tokens", [20])) == ["qa prefix", "qa prompt"]
    assert kept(Filter("debug", [False])) == kept()


def test_every_wrong_filter_is_told_at_once(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    found = problems(
        Filter("tsk", ["qa"]), Filter("method", ["lara"]), Filter("learning_rate", [1]),
        Filter("seed", [5]), folder=tmp_path,
    )  # fmt: skip
    assert found == [
        "tsk: no run has a setting tsk. Did you mean task?",
        "method: no run has this value. Did you mean lora?",
        "learning_rate: no run has a setting learning_rate. Did you mean training.learning_rate?",
        "seed: no run has this value. There is: 0.",
    ]


def test_filters_that_leave_nothing_together(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    make_run(tmp_path, "task=summarize", "method=prompt")
    (told,) = problems(Filter("task", ["qa"]), Filter("method", ["prompt"]), folder=tmp_path)
    assert told.startswith("task method: no run has all of this")


def test_missing_and_empty_folders_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError) as caught:
        load([tmp_path / "outputs", tmp_path / "output", tmp_path / "file", "/nowhere/at/all"])
    found = [str(problem) for problem in caught.value.problems]
    assert "outputs: holds no run" in found[0]
    assert "output: there is no such folder. Did you mean outputs?" in found[1]
    assert "file: is a file" in found[2]
    assert found[3].startswith("/nowhere/at/all: there is no such folder")
