"""What a run gets from its data: canonical columns, ids, held-out splits, samples, fingerprint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from loading_examples import PAIRS, loaded, refused, write_lines

from tunebook.data import cache, sampling


def test_importing_the_data_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, tunebook.data;"
        "print([n for n in ('torch', 'datasets', 'pyarrow', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_imports_no_torch(three: dict[str, str]) -> None:
    code = (
        "import sys; from loading_examples import loaded;"
        f"loaded('translate', **{three!r}); print('torch' in sys.modules)"
    )
    here = Path(__file__).parent
    path = [str(here), *sys.path]
    done = subprocess.run([sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}; {code}"],
                          capture_output=True, text=True, check=True)  # fmt: skip
    assert done.stdout.strip() == "False"


def test_the_splits_have_an_id_and_the_fields_of_the_task(three: dict[str, str]) -> None:
    found = loaded("translate", **three)
    assert found.rows("test")[0] == {
        "id": "test-1", "source": "A dog, 10.", "target": "Un chien, 10.",
    }  # fmt: skip
    assert [len(found.rows(split)) for split in ("train", "validation", "test")] == [40, 10, 10]
    assert found.said == found.examples.notes == []


def test_nothing_is_written_beside_the_data(three: dict[str, str], tmp_path: Path) -> None:
    loaded("translate", **three)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["test.jsonl", "train.jsonl", "validation.jsonl"]


def test_a_second_load_reads_no_rows_and_says_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = write_lines("some.jsonl", [*PAIRS, {"source": "Empty.", "target": " "}])
    first = loaded("translate", train=path)
    monkeypatch.setattr("tunebook.data.cache.CanonicalRows", None)
    second = loaded("translate", train=path)
    assert second.said == first.said
    assert second.rows() == first.rows()


def test_two_runs_may_read_the_same_file_at_once(
    three: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write, inner = cache._write, []

    def write_after_another_run(*arguments: Any) -> None:
        monkeypatch.setattr(cache, "_write", write)
        inner.append(loaded("translate", **three))
        write(*arguments)

    monkeypatch.setattr(cache, "_write", write_after_another_run)
    outer = loaded("translate", **three)
    assert outer.rows() == inner[0].rows()
    assert len(list(cache._cache_root().iterdir())) == 3


def test_own_ids_are_kept_where_they_are_unique() -> None:
    path = write_lines("ids.jsonl", [{"id": 100 + i, **pair} for i, pair in enumerate(PAIRS)])
    found = loaded("translate", train=path)
    ids = {row["id"] for split in ("train", "validation", "test") for row in found.rows(split)}
    assert ids == {str(100 + i) for i in range(40)}


def test_repeated_ids_give_way_to_row_numbers() -> None:
    path = write_lines("ids.jsonl", [{"id": "same", **pair} for pair in PAIRS])
    found = loaded("translate", train=path)
    assert all(row["id"].startswith("train-") for row in found.rows("test"))
    assert found.heard("column id has empty or repeated values")


def test_another_column_can_be_the_id(three: dict[str, str]) -> None:
    rows = [{"key": f"k{i}", **pair} for i, pair in enumerate(PAIRS)]
    write_lines(three["train"], rows)
    write_lines(three["validation"], [{"key": "v", "source": "A.", "target": "Un."}])
    write_lines(three["test"], [{"key": "t", "source": "B.", "target": "Bé."}])
    found = loaded("translate", **three, fields={"id": "key"})
    assert [row["id"] for row in found.rows("test")] == ["t"]


def test_missing_splits_are_held_out_of_train(train: str) -> None:
    found = loaded("translate", train=train)
    splits = {s: {r["source"] for r in found.rows(s)} for s in ("train", "validation", "test")}
    assert [len(texts) for texts in splits.values()] == [32, 4, 4]
    assert set.union(*splits.values()) == {pair["source"] for pair in PAIRS}
    assert found.heard("data.validation: none given", "4 rows of 40")
    assert found.heard("data.test: none given", "4 rows of 40")


def test_held_out_rows_keep_the_number_of_their_row(train: str) -> None:
    for row in loaded("translate", train=train).rows("validation"):
        number = int(row["id"].removeprefix("train-"))
        assert row["source"] == PAIRS[number - 1]["source"]


def test_at_most_500_rows_are_held_out() -> None:
    rows = [{"source": f"s{i}", "target": f"t{i}"} for i in range(6000)]
    found = loaded("translate", train=write_lines("many.jsonl", rows))
    assert [len(found.examples.train), len(found.examples.test)] == [5000, 500]


def test_giving_the_test_file_leaves_the_held_out_validation_as_it_was(
    three: dict[str, str],
) -> None:
    alone = loaded("translate", train=three["train"])
    with_test = loaded("translate", train=three["train"], test=three["test"])
    assert with_test.rows("validation") == alone.rows("validation")


def test_two_rows_cannot_be_held_out_of() -> None:
    (problem,) = refused("translate", train=write_lines("two.jsonl", PAIRS[:2]))
    assert problem.where == "data.train"
    assert "2 usable rows, too few to hold out validation and test" in problem.what


def test_the_seed_decides_what_is_held_out(train: str) -> None:
    first, again, other = (loaded("translate", train=train, seed=seed) for seed in (0, 0, 1))
    assert first.rows("test") == again.rows("test")
    assert first.rows("test") != other.rows("test")


def test_a_limit_takes_a_seeded_sample_and_not_the_first_rows(three: dict[str, str]) -> None:
    found = loaded("translate", **three, limit={"train": 10})
    sources = [row["source"] for row in found.rows()]
    assert len(sources) == 10
    assert sources != [pair["source"] for pair in PAIRS[:10]]
    assert found.heard("data.limit.train: 10 rows of 40, drawn with data.seed=0")


def test_a_sample_keeps_row_numbers_and_grows_with_the_limit(three: dict[str, str]) -> None:
    small = loaded("translate", **three, limit={"train": 5}).rows()
    large = loaded("translate", **three, limit={"train": 20}).rows()
    assert all(row in large for row in small)
    assert all(row["source"] == PAIRS[int(row["id"][6:]) - 1]["source"] for row in large)


def test_a_sample_does_not_depend_on_other_limits(three: dict[str, str]) -> None:
    alone = loaded("translate", **three, limit={"train": 5})
    together = loaded("translate", **three, limit={"train": 5, "test": 3, "validation": 2})
    assert alone.rows() == together.rows()


def test_a_limit_larger_than_the_split_uses_all_and_says_so(three: dict[str, str]) -> None:
    found = loaded("translate", **three, limit={"test": 99})
    assert len(found.rows("test")) == 10
    assert found.heard("data.limit.test=99", "only 10 rows", "all are used")


def test_ranks_are_even_over_rows() -> None:
    import numpy as np

    ranks = sampling.ranks(np.arange(100_000), 0, "train")
    halves = (ranks < np.uint64(2**63)).reshape(10, -1).mean(axis=1)
    assert len(np.unique(ranks)) == 100_000
    assert np.all(np.abs(halves - 0.5) < 0.02)


def test_the_fingerprint_is_of_the_content_and_not_of_the_name(three: dict[str, str]) -> None:
    before = loaded("translate", **three).examples.fingerprint
    moved = Path(three["train"]).rename("renamed.jsonl")
    assert loaded("translate", **{**three, "train": str(moved)}).examples.fingerprint == before
    moved.write_text(moved.read_text().replace("numéro 7", "numéro sept"))
    assert loaded("translate", **{**three, "train": str(moved)}).examples.fingerprint != before


def test_the_fingerprint_covers_references_beside_the_file(three: dict[str, str]) -> None:
    before = loaded("translate", **three).examples.fingerprint
    write_lines("test.references.jsonl", [{"references": [f"Un chien {i}"]} for i in range(10)])
    assert loaded("translate", **three).examples.fingerprint != before


def test_rows_that_occur_in_test_are_counted(three: dict[str, str]) -> None:
    write_lines("test.jsonl", [*PAIRS[:3], {"source": " A dog, 4. ", "target": "x"}])
    found = loaded("translate", **three)
    assert found.heard("warning: 3 of 40 rows of train have the same source as a row of test")
    assert found.heard("warning: 1 of 10 rows of validation have the same source")


def test_the_same_context_with_another_question_is_no_overlap() -> None:
    row = {"context": "Rome is old.", "question": "What?", "answers": ["Rome"]}
    files = {
        split: write_lines(f"{split}.jsonl", [{**row, "question": question}])
        for split, question in (("train", "What?"), ("validation", "How?"), ("test", "Which?"))
    }
    assert loaded("qa", **files).said == []


def test_data_that_does_not_serve_the_task_is_refused_before_anything_is_read() -> None:
    (problem,) = refused("translate", name="squad", source="hub", path="no/such", tasks=["qa"])
    assert (
        str(problem)
        == "data: squad serves qa; you chose translate. Set task=qa, or choose other data."
    )


def test_a_field_that_the_task_lacks_is_refused(train: str) -> None:
    (problem,) = refused("translate", train=train, fields={"sauce": "a"})
    assert problem.where == "data.fields.sauce"
    assert problem.remedy == "Did you mean source?"
    assert "source, target" in problem.what


def test_every_wrong_key_is_named_at_once() -> None:
    problems = refused("translate", fields={"sauce": "a"}, splits={"tests": "x"}, tasks=["qa"])
    assert [problem.where for problem in problems] == [
        "data", "data.fields.sauce", "data.splits.tests", "data.train",
    ]  # fmt: skip


def test_file_keys_belong_to_data_files() -> None:
    (problem,) = refused("qa", name="squad", source="hub", path="a/b", train="x.jsonl")
    assert (
        str(problem) == "data.train: belongs to data=files; you chose data=squad. Add data=files."
    )


@pytest.fixture
def village(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    calls: list[tuple[Any, ...]] = []

    def rows(task: str, split: str, count: int, seed: int) -> list[dict[str, Any]]:
        calls.append((task, split, count, seed))
        return [{"source": f"{split} {seed} {i}", "target": "t"} for i in range(count)]

    stub = SimpleNamespace(
        rows=rows, VERSION="1", DEFAULT_ROWS={"train": 30, "validation": 4, "test": 5}
    )
    monkeypatch.setitem(sys.modules, "tunebook.data.village", stub)  # type: ignore[arg-type]
    monkeypatch.setattr("tunebook.data.village", stub, raising=False)
    return calls


def test_the_village_gives_as_many_rows_as_asked_for(village: list[tuple[Any, ...]]) -> None:
    found = loaded("translate", name="village", source="village", seed=3, limit={"train": 50})
    assert village == [
        ("translate", "train", 50, 3),
        ("translate", "validation", 4, 3),
        ("translate", "test", 5, 3),
    ]
    assert len(found.rows()) == 50
    assert found.said == []


def test_more_rows_than_the_village_makes_are_refused(village: list[tuple[Any, ...]]) -> None:
    limit = {"train": 10**12, "test": 2_000_000}
    problems = refused("translate", name="village", source="village", limit=limit)
    assert [problem.where for problem in problems] == ["data.limit.train", "data.limit.test"]
    assert village == []


def test_the_village_fingerprint_follows_its_rows(village: list[tuple[Any, ...]]) -> None:
    prints = [
        loaded("translate", name="village", source="village", seed=seed).examples.fingerprint
        for seed in (0, 0, 1)
    ]
    assert prints[0] == prints[1] != prints[2]


@pytest.mark.parametrize("kind", ["translate", "summarize", "qa", "dialogue"])
def test_the_real_village_serves_every_task(kind: str) -> None:
    limit = {"train": 60, "validation": 10, "test": 10}
    found = loaded(kind, name="village", source="village", limit=limit)
    assert [len(found.rows(s)) for s in ("train", "validation", "test")] == [60, 10, 10]
    assert not found.heard("skipped")
