"""What is typed: sweeps, keys without a line in conf/, labels, and the hand-over to Hydra."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes import compose
from tunebook.command.command import answer
from tunebook.errors import RequestError
from tunebook.request.request import label_of
from tunebook.settings import Settings

Ran = Callable[..., list[Settings]]


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ran:
    """The settings of each run that a command line asks for."""
    monkeypatch.chdir(tmp_path)

    def settings_of_runs(*words: str, model: Path, code: int = 0) -> list[Settings]:
        runs: list[Settings] = []
        before = list(sys.argv)
        assert answer([*words, f"model.path={model}"], runs.append, "recipes.run") == code
        assert sys.argv == before
        return runs

    return settings_of_runs


@pytest.mark.parametrize(
    ("words", "told"),
    [(["seed=1", "seed=2"], "seed is given more than once; the last counts: seed=2"),
     (["task=qa", "task=translate"], "task is given more than once; the last counts: "
                                     "task=translate"),
     (["seed=2", "seed=2"], ""), (["seed=2"], "")],
)  # fmt: skip
def test_a_word_given_twice_is_told(
    words: list[str], told: str, ran: Ran, t5_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran(*words, model=t5_folder)
    assert capsys.readouterr().err == (f"tunebook: {told}\n" if told else "")


def test_a_missing_file_is_told_before_anything_else(
    t5_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from recipes.run import one_run

    monkeypatch.chdir(tmp_path)
    words = ["task=summarize", "data=files", "data.train=nope.jsonl", f"model.path={t5_folder}"]
    for start in ([], ["-m", "seed=0,1"]):
        assert answer([*start, *words], one_run, "recipes.run") == 2
        shown, told = capsys.readouterr()
        assert shown == ""
        assert told.startswith("tunebook: 1 problem; nothing was run.\n  - data.train: there is no")
    assert not list(tmp_path.glob("outputs*"))


def test_one_run_gets_the_settings_that_compose_gives(ran: Ran, t5_folder: Path) -> None:
    words = ["task=qa", "method=lora", "method.peft.bias=all", "training.arguments.adam_beta1=0.8",
             "data.fields.context=passage", 'task.instruction="a = b, c"', "seed=4"]  # fmt: skip
    (run,) = ran(*words, model=t5_folder)
    assert run == compose(*words, f"model.path={t5_folder}")
    assert run.method.peft == {"bias": "all"}  # type: ignore[attr-defined]
    assert run.training.arguments == {"adam_beta1": 0.8}
    assert run.data.fields == {"context": "passage"}
    assert run.task.instruction == "a = b, c"


def test_a_sweep_over_choices_and_a_range(ran: Ran, t5_folder: Path) -> None:
    runs = ran("-m", "method=prompt,lora", "seed=range(0,3)", model=t5_folder)
    assert [(run.method.name, run.seed) for run in runs] == [
        (method, seed) for method in ("prompt", "lora") for seed in (0, 1, 2)
    ]


def test_a_sweep_over_all_options(ran: Ran, t5_folder: Path) -> None:
    runs = ran("-m", "method=glob(*,exclude=[full,p*])", model=t5_folder)
    assert [run.method.name for run in runs] == ["instruction", "lora", "zero_shot"]


def test_a_sweep_over_recipes(ran: Ran, t5_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "conf" / "recipe"
    folder.mkdir(parents=True)
    for name, method in (("first", "lora"), ("second", "prefix")):
        text = f"defaults:\n  - override /method: {method}\n  - _self_\nexpect: more\nseed: 7\n"
        (folder / f"{name}.yaml").write_text(text)
    runs = ran("-m", "recipe=first,second", "data.seed=1,2", model=t5_folder)
    assert [(run.recipe, run.method.name, run.label) for run in runs] == [
        ("first", "lora", "first-seed=1"), ("first", "lora", "first-seed=2"),
        ("second", "prefix", "second-seed=1"), ("second", "prefix", "second-seed=2"),
    ]  # fmt: skip
    assert {run.seed for run in runs} == {7}
    assert [run.recipe for run in ran("-m", "recipe=glob(f*)", model=t5_folder)] == ["first"]


def test_a_sweep_over_quoted_texts(ran: Ran, t5_folder: Path) -> None:
    runs = ran("-m", 'task.instruction="Yes, please","No = no"', model=t5_folder)
    assert [run.task.instruction for run in runs] == ["Yes, please", "No = no"]


def test_a_sweep_is_refused_before_its_first_run(ran: Ran, t5_folder: Path) -> None:
    assert ran("-m", "seed=0,1,x", model=t5_folder, code=2) == []
    assert ran("-m", "method=prompt,lora", "method.r=2", model=t5_folder, code=2) == []
    words = ("-m", "method=lora,full", "model.quantization=none,4bit")
    assert ran(*words, model=t5_folder, code=2) == []


def test_a_sweep_goes_on_after_a_run_that_fails(tmp_path: Path, t5_folder: Path) -> None:
    from tunebook.errors import RunFailed

    seeds = []

    def fails_once(settings: Settings) -> None:
        seeds.append(settings.seed)
        if settings.seed == 0:
            raise RunFailed("the disk is full")

    assert answer(["-m", "seed=0,1", f"model.path={t5_folder}"], fails_once, "recipes.run") == 1
    assert seeds == [0, 1]


def test_the_last_of_a_key_counts(ran: Ran, t5_folder: Path) -> None:
    (run,) = ran("method=prompt", "seed=1", "method=lora", "seed=2", model=t5_folder)
    assert (run.method.name, run.seed, run.label) == ("lora", 2, "seed=2")


def test_a_model_path_alone_stands_for_itself() -> None:
    model = compose("model.path=some/where").model
    assert (model.name, model.path) == ("custom", "some/where")
    assert compose("model=gpt2", "model.path=some/where").model.name == "gpt2"


def test_compose_refuses_several_runs() -> None:
    with pytest.raises(RequestError, match="gives several values"):
        compose("seed=1,2")


@pytest.mark.parametrize(("words", "recipe", "label"), [
    ([], None, "default"),
    (["task=qa", "method=lora", "model=gpt2"], None, "default"),
    (["seed=3"], None, "seed=3"),
    (["training.learning_rate=0.1", "seed=3"], None, "seed=3-learning_rate=0.1"),
    (["data.limit.train=5"], None, "train=5"),
    (["outputs=/tmp/x", "again=true", "decoding.batch_size=4"], None, "default"),
    (["data.train=/data/rows.jsonl", "model.path=/models/x"], None, "default"),
    (["++seed=3"], "qa_lora", "qa_lora-seed=3"),
    (['task.instruction="Say, it: now"'], None, "instruction=say_it_now"),
])  # fmt: skip
def test_the_label_says_what_differs(words: list[str], recipe: str | None, label: str) -> None:
    assert label_of(words, recipe) == label


def test_a_label_stays_short_and_safe() -> None:
    label = label_of([f'task.instruction="{"../ " * 100}end"'], None)
    assert len(label) <= 60
    assert "/" not in label
