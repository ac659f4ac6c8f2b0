"""report.html as a file: one file, whole, nothing hostile in its markup, not too large."""

from __future__ import annotations

import errno
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from made_runs import make_run

from recipes.compare import main
from tunebook.comparison import Skipped, load, tables
from tunebook.comparison.page import write_page
from tunebook.comparison.page.browser import LONGEST_TEXT, MOST_SIDES, examples_of

HOSTILE = "</script><img src=x onerror=\"window.hacked=1\"> 'q' & \u2028 <!-- (half)"
HALF_A_CHARACTER = "\\ud800"  # as JSON writes it; UTF-8 cannot


class Seen(HTMLParser):
    """Tags, attributes and the content of script blocks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.blocks: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script" and self.cdata_elem == "script":
            self.blocks[-1] += data


def page_of(outputs: Path, **options: Any) -> str:
    file = outputs / "report.html"
    loaded = load([outputs])
    write_page(tables(loaded.runs, **options), file, loaded.skipped)
    return file.read_text(encoding="utf-8")


def examples_in(text: str) -> dict[str, Any]:
    data, _ = Seen(text).blocks
    return json.loads(data)


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Hostile text everywhere a run folder holds any."""
    folder = tmp_path / "outputs"
    texts, references = [HOSTILE, "b", "c"], ["a", HOSTILE, "c"]
    for method, shift in (("lora", 0), ("prompt", 30), ("zero_shot", -40)):
        make_run(folder, "task=qa", f"method={method}", texts=texts, references=references,
                 scores=[50 + shift, 60, 60 - shift / 2], losses=[2.0, 1.0])  # fmt: skip
    make_run(folder, "task=qa", "method=full", state="failed", error=HOSTILE)
    for file in folder.rglob("predictions.jsonl"):
        file.write_text(file.read_text().replace("(half)", HALF_A_CHARACTER))
    return folder


def test_it_says_all_that_the_table_says(outputs: Path) -> None:
    (outputs / "broken").mkdir()
    (outputs / "broken" / "status.json").write_text("{")
    text = page_of(outputs)
    assert "4 runs compared" in text
    for word in ("lora", "zero_shot", "failed", "f1 ↑", "95 % interval", "10.4 kB", "772 MB",
                 "no verdict", "against trainable parameters", "Validation loss",
                 "1 folder left out", "status.json: is no valid JSON"):  # fmt: skip
        assert word in text
    assert 'title="score 56.666666666666664"' in text  # what is rounded can be seen in full


def test_nothing_is_fetched_and_only_our_script_may_run(outputs: Path) -> None:
    seen = Seen(page_of(outputs))
    names = [tag for tag, _ in seen.tags]
    assert not {"link", "iframe", "img", "object", "form", "base"} & set(names)
    assert names.count("script") == 2
    for _, attributes in seen.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert all(attributes[name].startswith("#") for name in ("src", "href", "xlink:href")  # type: ignore[union-attr]
                   if name in attributes)  # fmt: skip
    (policy,) = [attributes["content"] for tag, attributes in seen.tags
                 if tag == "meta" and attributes.get("http-equiv")]  # fmt: skip
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[\w+/]+='", policy)


def test_hostile_text_arrives_as_the_text_that_it_is(outputs: Path) -> None:
    text = page_of(outputs)
    assert text.count("</script>") == 2
    assert "onerror=" in text
    assert "<img" not in text
    found = examples_in(text)["table-1"]
    arrived = HOSTILE.replace("(half)", "?")
    assert found["examples"][0]["answers"][0][0] == arrived
    assert found["examples"][1]["references"] == [arrived]
    assert "&lt;/script&gt;&lt;img src=x" in text  # the reason of the failure


def test_examples_stand_side_by_side_and_say_how_far_the_scores_differ(outputs: Path) -> None:
    found = examples_in(page_of(outputs))["table-1"]
    names = [side["name"] for side in found["sides"]]
    assert sorted(names) == ["lora", "prompt", "zero_shot"]
    first = found["examples"][0]
    by_name = dict(zip(names, first["answers"], strict=True))
    assert [by_name[name][1] for name in ("lora", "prompt", "zero_shot")] == [50, 80, 10]
    assert first["spread"] == pytest.approx(28.674, abs=1e-3)
    assert found["examples"][1]["spread"] == 0
    assert first["prompts"][0].startswith("a and some more words")
    assert found["leftOut"] == ""


def test_a_prompt_that_is_alike_for_all_is_kept_once(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora")
    other = make_run(tmp_path, "task=qa", "method=prompt") / "predictions.jsonl"
    other.write_text(other.read_text().replace('"prompt": "', '"prompt": "Now: ', 1))
    (table,) = tables(load([tmp_path]).runs)
    found = examples_of(table)
    assert found is not None
    assert [len(example["prompts"]) for example in found["examples"]] == [2, 1, 1]
    assert [answer[2] for answer in found["examples"][0]["answers"]] == [0, 1]


def test_a_large_test_set_is_cut_to_where_the_rows_disagree_and_says_so(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", scores=[50.0] * 60)
    make_run(
        tmp_path, "task=qa", "method=prompt", scores=[50.0 + i for i in range(50)] + [0.0] * 10
    )
    (table,) = tables(load([tmp_path]).runs)
    found = examples_of(table, most_bytes=6000)
    assert found is not None
    kept = [example["at"] for example in found["examples"]]
    assert 0 < len(kept) < 60
    assert kept == sorted(kept)
    spreads = {example["spread"] for example in found["examples"]}
    assert min(spreads) >= 24.5 - len(kept) / 2
    assert f"{len(kept)} of 60 test examples" in found["leftOut"]


def test_long_texts_and_many_rows_are_cut_and_say_so(tmp_path: Path) -> None:
    for number in range(MOST_SIDES + 1):
        make_run(tmp_path, "task=qa", "method=prompt", f"method.num_virtual_tokens={number + 1}",
                 texts=["x" * (LONGEST_TEXT + 1234), "b", "c"])  # fmt: skip
    (table,) = tables(load([tmp_path]).runs)
    found = examples_of(table)
    assert found is not None
    assert len(found["sides"]) == MOST_SIDES
    assert f"first {MOST_SIDES} of the table's {MOST_SIDES + 1} rows" in found["leftOut"]
    assert found["examples"][0]["answers"][0][0].endswith("x… (1,234 more characters)")


def test_a_page_of_failures_alone_has_no_examples(tmp_path: Path) -> None:
    make_run(tmp_path, "task=qa", "method=lora", state="failed", error="no room")
    text = page_of(tmp_path)
    assert "no room" in text
    assert examples_in(text) == {"table-1": None}
    assert 'class="browser' not in text


def test_run_folders_are_named_as_seen_from_the_page(outputs: Path) -> None:
    text = page_of(outputs)
    assert "lora, seed 0: qa/tiny_t5/lora/" in text
    assert str(outputs) not in text


def test_answers_that_are_gone_are_left_out_and_told(outputs: Path) -> None:
    (found,) = tables(load([outputs]).runs)
    found.scored[0].runs[0].path.joinpath("predictions.jsonl").unlink()
    write_page([found], outputs / "report.html")
    examples = examples_in((outputs / "report.html").read_text())["table-1"]
    assert len(examples["sides"]) == 2
    assert "Only the 2 of the table's 3 rows whose answers can be read" in examples["leftOut"]


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    outputs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = outputs / "report.html"
    file.write_text("old")
    (found,) = tables(load([outputs]).runs)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_page([found], file, [Skipped(outputs, "x")])
    assert file.read_text() == "old"
    assert list(outputs.glob(".report*")) == []


def test_the_command_writes_page_and_plots_and_tells_apart_from_the_table(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, plots = tmp_path / "new" / "a.html", tmp_path / "plots"
    words = [str(outputs), "--report", str(page), "--plots", str(plots), "--format", "json"]
    assert main(words) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)[0]["task"] == "qa"
    files = sorted(plots.iterdir())
    assert len(files) == 8
    told = [line.removeprefix("tunebook: wrote ") for line in shown.err.splitlines()]
    assert sorted(told) == sorted(map(str, [page, *files]))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("--report a.txt", "--report a.txt: is no name of a page. Let it end in .html or .htm."),
        ("--report .", "--report .: is a folder. Name a file in it: report.html"),
        ("--plots made_before", "--plots made_before: is no folder. Name a folder, new or not."),
        ("--report", "--report: expected one argument"),
        ("--repotr a.html", "--repotr: no such flag. Did you mean --report?"),
    ],
)
def test_wrong_places_are_refused_before_anything_is_written(
    outputs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: str, told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(outputs.parent)
    Path("made_before").write_text("kept")
    before = sorted(Path().rglob("*"))
    assert main([str(outputs), *words.split()]) == 2
    assert told in capsys.readouterr().err
    assert sorted(Path().rglob("*")) == before
    assert Path("made_before").read_text() == "kept"


def test_a_place_that_cannot_be_written_is_one_line_after_the_table(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert main([str(outputs), "--report", str(tmp_path / "file" / "a.html")]) == 1
    shown = capsys.readouterr()
    assert "zero_shot" in shown.out
    assert re.fullmatch(r"tunebook: \S+: is there already\. Move it away\.\n", shown.err)


def test_the_prompt_that_most_rows_read_stands_above_the_answers(tmp_path: Path) -> None:
    for method, prompt in (("lora", "long and alone"), ("prompt", "short"), ("prefix", "short")):
        file = make_run(tmp_path, "task=qa", f"method={method}") / "predictions.jsonl"
        rows = [json.loads(line) | {"prompt": prompt} for line in file.read_text().splitlines()]
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (table,) = tables(load([tmp_path]).runs)
    found = examples_of(table)
    assert found is not None
    assert found["examples"][0]["prompts"] == ["short", "long and alone"]
