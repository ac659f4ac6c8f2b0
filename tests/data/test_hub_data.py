"""Hub data sets, exercised with local folders of the same shape, and every way they can fail."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import constants, errors
from loading_examples import Loaded, loaded, refused, write_lines

from tunebook.data import hub
from tunebook.schema import DataSettings
from tunebook.typed import read

CONF = Path(__file__).parents[2] / "conf" / "data"


def pair(i: int) -> dict[str, Any]:
    return {"id": str(i), "translation": {"en": f"The house {i}.", "fr": f"La maison {i}."}}


def pair_zh(i: int) -> dict[str, Any]:
    return {"translation": {"zh": f"第{i}座房子。", "en": f"The house {i}."}}


def article(i: int) -> dict[str, Any]:
    return {
        "article": f"A long story {i}.",
        "highlights": f"Story {i} .\nMore .",
        "id": f"{i:040x}",
    }


def talk(i: int) -> dict[str, Any]:
    dialogue = f"#Person1#: Hello {i}?\n#Person2#: Yes, {i}."
    return {"id": f"train_{i}", "dialogue": dialogue, "summary": f"They talk, {i}.", "topic": "t"}


def question(i: int) -> dict[str, Any]:
    answers = {"text": [f"in {i}", f"{i}"], "answer_start": [8, 11]}
    return {"id": f"q{i}", "title": "T", "context": f"It began in {i}.", "question": f"When, {i}?",
            "answers": answers}  # fmt: skip


def question_2(i: int) -> dict[str, Any]:
    return question(i) if i % 3 else {**question(i), "answers": {"text": [], "answer_start": []}}


def conversation(i: int) -> dict[str, Any]:
    turns = [
        ("user", "Hi"),
        ("assistant", "Hello!"),
        ("user", f"Why {i}?"),
        ("assistant", f"So {i}."),
    ]
    return {"full_topic": "Why", "messages": [{"role": r, "content": c} for r, c in turns]}


def restaurant(i: int) -> dict[str, Any]:
    return {"meaning_representation": f"name[The {i}], food[Thai]",
            "human_reference": f"The {i} serves Thai food."}  # fmt: skip


def headline(i: int) -> dict[str, Any]:
    return {"summary": f"第{i}座桥通车", "text": f"昨天第{i}座桥正式通车。"}


# Set: its folder for one subset, its splits, one row.
SHAPES: dict[str, tuple[str, list[str], Any]] = {
    "opus_books": ("en-fr", ["train"], pair),
    "wmt19_en_zh": ("zh-en", ["train", "validation"], pair_zh),
    "cnn_dailymail": ("3.0.0", ["train", "validation", "test"], article),
    "e2e_nlg": ("default", ["train", "validation", "test"], restaurant),
    "lcsts": (".", ["train", "validation", "test"], headline),
    "dialogsum": (".", ["train", "validation", "test"], talk),
    "squad": ("plain_text", ["train", "validation"], question),
    "squad_v2": ("squad_v2", ["train", "validation"], question_2),
    "cmrc2018": ("data", ["train", "validation", "test"], question),
    "everyday_conversations": ("data", ["train_sft", "test_sft"], conversation),
}


def settings_of(name: str) -> dict[str, Any]:
    return yaml.safe_load((CONF / f"{name}.yaml").read_text(encoding="utf-8"))


def build(name: str, rows: int = 30) -> str:
    """A folder as the hub stores the set, card included."""
    place, splits, row = SHAPES[name]
    folder = Path("hub") / name
    (folder / place).mkdir(parents=True)
    for number, split in enumerate(splits):
        content = [row(i) for i in range(1000 * number, 1000 * number + rows)]
        write_split(folder / place, split, content, as_cells=name == "dialogsum")
    (folder / "README.md").write_text(card(name, place, splits), encoding="utf-8")
    return str(folder)


def write_split(folder: Path, split: str, rows: list[dict[str, Any]], as_cells: bool) -> None:
    table = pa.Table.from_pylist(rows)
    if as_cells:
        table.to_pandas().to_csv(folder / f"{split}.csv", index=False)
    else:
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")


def card(name: str, place: str, splits: list[str]) -> str:
    suffix = ".csv" if name == "dialogsum" else "-*"
    files = [{"split": s, "path": f"{place}/{s}{suffix}".removeprefix("./")} for s in splits]
    config = settings_of(name).get("subset") or "default"
    head = yaml.safe_dump({"configs": [{"config_name": config, "data_files": files}]})
    return f"---\n{head}---\n# {name}\n"


def load_set(name: str, **more: Any) -> Loaded:
    settings = {**settings_of(name), "path": build(name), **more}
    return loaded(settings["tasks"][0], **settings)


FIRST_TEST_ROW: dict[str, dict[str, Any]] = {
    "wmt19_en_zh": {"source": "The house 1000.", "target": "第1000座房子。"},
    "cnn_dailymail": {"document": "A long story 2000.", "summary": "Story 2000 .\nMore ."},
    "e2e_nlg": {"source": "name[The 2000], food[Thai]", "target": "The 2000 serves Thai food."},
    "lcsts": {"document": "昨天第2000座桥正式通车。", "summary": "第2000座桥通车"},
    "dialogsum": {"document": "#Person1#: Hello 2000?\n#Person2#: Yes, 2000."},
    "squad": {"id": "q1000", "question": "When, 1000?", "answers": ["in 1000", "1000"]},
    "squad_v2": {"id": "q1000", "answers": ["in 1000", "1000"]},
    "cmrc2018": {"id": "q2000", "context": "It began in 2000."},
    "everyday_conversations": {"history": ["Hi"], "response": "Hello!"},
}


@pytest.mark.parametrize("name", SHAPES)
def test_each_shipped_set_loads_from_a_folder_of_its_shape(name: str) -> None:
    found = load_set(name)
    sizes = [len(found.rows(split)) for split in ("train", "validation", "test")]
    held_out = sum(not split for split in settings_of(name)["splits"].values())
    replies = 2 if name == "everyday_conversations" else 1
    assert sizes[0] == replies * (30 - 3 * held_out)
    assert min(sizes) == replies * (3 if held_out else 30)
    if name in FIRST_TEST_ROW:
        row, wanted = found.rows("test")[0], FIRST_TEST_ROW[name]
        assert {key: row[key] for key in wanted} == wanted
    assert not found.heard("skipped")


def test_opus_books_holds_both_other_splits_out() -> None:
    found = load_set("opus_books")
    row = found.rows("test")[0]
    assert row["source"].replace("The house", "La maison") == row["target"]
    assert found.heard("data.test: none given, so 3 rows of 30")


def test_unanswerable_questions_are_kept_without_answers() -> None:
    found = load_set("squad_v2")
    assert sum(not row["answers"] for row in found.rows("test")) == 10


def test_the_sets_above_are_the_hub_sets_there_are() -> None:
    shipped = {
        path.stem for path in CONF.glob("*.yaml") if settings_of(path.stem)["source"] == "hub"
    }
    assert shipped == set(SHAPES)


@pytest.mark.parametrize("path", sorted(CONF.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_data_file_is_valid_and_says_what_it_is_and_its_licence(path: Path) -> None:
    problems: list[Any] = []
    found = read(DataSettings, settings_of(path.stem), "data", problems)
    assert problems == []
    assert found is not None
    assert found.name == path.stem
    assert found.license
    assert path.read_text(encoding="utf-8").startswith("# ")


def test_a_plain_folder_of_files_without_a_card_works() -> None:
    folder = build("cnn_dailymail")
    Path(folder, "README.md").unlink()
    found = loaded("summarize", **{**settings_of("cnn_dailymail"), "path": folder})
    assert len(found.rows("test")) == 30
    assert found.heard("the local folder hub/cnn_dailymail stands in for the hub")


def test_a_local_folder_of_jsonl_is_taken() -> None:
    for split in ("train", "validation", "test"):
        write_lines(
            f"set/{split}.jsonl", [{"source": f"{split} {i}", "target": "t"} for i in range(9)]
        )
    assert len(loaded("translate", name="mine", source="hub", path="set").rows("test")) == 9


def test_limits_and_overlap_work_on_hub_sets() -> None:
    found = load_set("squad", limit={"train": 4, "test": 2})
    assert (len(found.rows()), len(found.rows("test"))) == (4, 2)


def test_the_fingerprint_of_a_local_folder_follows_its_files() -> None:
    first = load_set("squad").examples.fingerprint
    settings = {**settings_of("squad"), "path": "hub/squad"}
    assert loaded("qa", **settings).examples.fingerprint == first
    write_split(Path("hub/squad/plain_text"), "validation", [question(7)], as_cells=False)
    assert loaded("qa", **settings).examples.fingerprint != first


def test_a_slice_of_a_split_can_be_named() -> None:
    splits = {"train": "train[:20]", "validation": "train[20:]", "test": "validation"}
    found = load_set("squad", splits=splits)
    assert [len(found.rows(s)) for s in ("train", "validation", "test")] == [20, 10, 30]


def test_an_unknown_split_lists_those_there_are() -> None:
    settings = {**settings_of("squad"), "path": build("squad")}
    (problem,) = refused("qa", **{**settings, "splits": {"train": "train", "test": "test"}})
    assert problem.where == "data.splits.test"
    assert "has no split test; it has train, validation" in problem.what


def test_an_unknown_subset_lists_those_there_are() -> None:
    settings = {**settings_of("opus_books"), "path": build("opus_books"), "subset": "en-fx"}
    (problem,) = refused("translate", **settings)
    assert problem.where == "data.subset"
    assert "has no subset en-fx; it has en-fr" in problem.what
    assert problem.remedy == "Did you mean en-fr?"


def test_a_missing_column_names_the_split() -> None:
    settings = {**settings_of("squad"), "path": build("squad"), "fields": {"context": "contxt"}}
    problems = refused("qa", **settings)
    assert problems[0].where == "data.splits.train"
    assert "it has id, title, context, question, answers" in problems[0].what


def test_a_folder_that_is_not_there_is_named() -> None:
    (problem,) = refused("qa", name="x", source="hub", path="./nowhere")
    assert str(problem).startswith("data.path: there is no folder ./nowhere")


def test_a_file_is_no_data_set() -> None:
    write_lines("a.jsonl", [{}])
    (problem,) = refused("qa", name="x", source="hub", path="a.jsonl")
    assert problem.remedy == "Set data=files data.train=a.jsonl."


def test_a_folder_without_data_files_is_refused() -> None:
    Path("set").mkdir()
    Path("set/notes.md").write_text("x")
    (problem,) = refused("qa", name="x", source="hub", path="set")
    assert "holds no data files" in problem.what


def test_a_folder_with_a_broken_line_names_it_and_logs_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    write_lines("set/train.jsonl", [{"source": "a", "target": "b"}, "{oops"])
    (problem,) = refused("translate", name="x", source="hub", path="set")
    assert problem.where == "set/train.jsonl:2"
    assert capfd.readouterr().err == ""


def test_a_folder_with_a_broken_parquet_file_is_refused_in_one_line() -> None:
    Path("set").mkdir()
    Path("set/train.parquet").write_text("x")
    (problem,) = refused("translate", name="x", source="hub", path="set")
    assert problem.where == "data.path"
    assert "cannot be loaded" in problem.what
    assert "\n" not in str(problem)


def test_a_folder_of_save_to_disk_is_refused() -> None:
    rows = datasets.Dataset.from_list([{"source": "a", "target": "b"}])
    datasets.DatasetDict({"train": rows}).save_to_disk("saved")
    (problem,) = refused("translate", name="x", source="hub", path="saved")
    assert "was written by save_to_disk" in problem.what
    assert "to_parquet" in problem.remedy


def test_a_script_set_is_refused() -> None:
    Path("old").mkdir()
    Path("old/old.py").write_text("raise SystemExit('never run me')")
    (problem,) = refused("qa", name="x", source="hub", path="old")
    assert "runs no scripts any more" in problem.what
    assert "refs/convert/parquet" in problem.remedy


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("no network in tests")

    monkeypatch.setattr(hub.socket, "create_connection", refuse)
    monkeypatch.setattr(hub.urllib.request, "getproxies", dict)


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_message_is_quick_and_says_what_to_do() -> None:
    (problem,) = refused("qa", **settings_of("squad"))
    assert problem.where == "data.path"
    assert problem.what == "rajpurkar/squad is not in the cache and the hub cannot be reached"
    assert "data=files data.train=FILE" in problem.remedy
    assert constants.HF_HUB_OFFLINE is datasets.config.HF_HUB_OFFLINE


def answer(status: int) -> Any:
    return SimpleNamespace(status_code=status, headers={}, request=None)


GATED = "Dataset 'a/b' is a gated dataset on the Hub. You must be authenticated to access it."
ERRORS: list[tuple[BaseException, str, str]] = [
    (datasets.exceptions.DatasetNotFoundError(GATED), "is gated", "hf auth login"),
    (errors.GatedRepoError("403", response=answer(403)), "is gated", "huggingface.co/datasets/a/b"),
    (
        datasets.exceptions.DatasetNotFoundError("Dataset 'a/b' doesn't exist on the Hub"),
        "there is no data set a/b",
        "OWNER/NAME",
    ),
    (
        datasets.exceptions.DatasetNotFoundError("Revision 'v9' doesn't exist for dataset 'a/b'"),
        "has no revision v9",
        "Leave data.revision out",
    ),
    (
        RuntimeError("Dataset scripts are no longer supported, but found b.py"),
        "is a script",
        "refs/convert/parquet",
    ),
    (
        ValueError(
            "Config name is missing.\nPlease pick one among the available configs: ['x', 'y']"
        ),
        "has several subsets: x, y",
        "data.subset=x",
    ),
    (errors.HFValidationError("Repo id must use alphanumeric chars"), "is no name", "OWNER/NAME"),
    (errors.OfflineModeIsEnabled("offline"), "hub cannot be reached", "Connect to the network"),
    (TimeoutError("slow"), "hub cannot be reached", "Connect to the network"),
    (errors.HfHubHTTPError("500", response=answer(500)), "does not answer", "Run again later"),
    (ValueError("Something else.\nSecond line"), "cannot be loaded: Something else.", "data=files"),
]


@pytest.mark.parametrize(("error", "what", "remedy"), ERRORS, ids=lambda value: str(value)[:20])
def test_each_error_of_the_hub_becomes_one_message(
    error: BaseException, what: str, remedy: str
) -> None:
    settings = DataSettings(name="x", source="hub", path="a/b", revision="v9")
    problem = hub.explain(error, settings)
    assert what in problem.what
    assert remedy in problem.remedy


def test_a_cause_within_is_found() -> None:
    outer = RuntimeError("An error occurred while generating the dataset")
    outer.__cause__ = errors.GatedRepoError("403", response=answer(403))
    settings = DataSettings(name="x", source="hub", path="a/b")
    assert "is gated" in hub.explain(outer, settings).what
