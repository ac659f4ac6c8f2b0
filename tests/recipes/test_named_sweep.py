"""sweep=NAME: the words of a file in conf/sweep, beside those that are typed."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import yaml

from recipes import compose
from tunebook import folders
from tunebook.command.command import answer
from tunebook.command.help import help_text
from tunebook.errors import RequestError
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import check_runs, read_request
from tunebook.settings import Settings
from tunebook.sweep.running import plan_of

NAMES = list(folders.options("sweep"))


def put(text: str, name: str = "mine") -> Path:
    file = Path("conf/sweep") / f"{name}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@functools.cache
def runs_of(typed: str) -> list[Settings]:
    """The runs of a sweep that ships, as it is typed; they are looked at more than once."""
    words, named = with_sweep(typed.split())
    assert named
    return check_runs(read_request(words, sweep=True))


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_sweep_can_run(name: str) -> None:
    runs = runs_of(f"sweep={name}")
    assert len(runs) >= 9
    assert {settings.seed for settings in runs} == {0, 1, 2}


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_sweep_starts_with_its_command_and_asks_a_question(name: str) -> None:
    file = folders.options("sweep")[name]
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(f"# python -m recipes.run sweep={name}")
    assert runs_of(first.removeprefix("# python -m recipes.run "))
    assert "?" in folders.first_line(file)
    assert f"    {name:<22} {folders.first_line(file)}" in help_text("recipes.run")


def test_the_method_table_is_every_task_and_method() -> None:
    runs = runs_of("sweep=method_table")
    seen = {(one.task.name, one.method.name) for one in runs}
    methods = {"zero_shot", "instruction", "prompt", "prefix", "lora", "full"}
    wanted = {(t, m) for t in folders.options("task") for m in methods}
    assert seen == wanted
    assert len(runs) == 3 * len(wanted)


@pytest.mark.usefixtures("_elsewhere")
def test_values_are_those_that_are_written(t5_folder: Path) -> None:
    put("# Mine?\nmethod: lora\nmethod.r: 1,2\ntask.instruction: '\"Yes, no\"'\nseed: 010\n")
    words, named = with_sweep(["sweep=mine", f"model.path={t5_folder}"])
    assert named
    assert words[:4] == ["method=lora", "method.r=1,2", 'task.instruction="Yes, no"', "seed=010"]


@pytest.mark.usefixtures("_elsewhere")
def test_what_is_typed_wins() -> None:
    put("method: prompt,lora\nseed: 0,1,2\n")
    words, _ = with_sweep(["++seed=7", "sweep=mine", "method=prefix"])
    assert words == ["++seed=7", "method=prefix"]


@pytest.mark.usefixtures("_elsewhere")
def test_needs_no_m(t5_folder: Path) -> None:
    put("method: prompt,lora\nseed: 0,1\n")
    ran: list[Settings] = []
    words = ["sweep=mine", f"model.path={t5_folder}", "seed=3"]
    assert answer(words, ran.append, "recipes.run") == 0
    assert [(one.method.name, one.seed) for one in ran] == [("prompt", 3), ("lora", 3)]


def test_a_name_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["sweep=promt_length"], lambda settings: None, "recipes.run") == 2
    told = capsys.readouterr().err
    assert "sweep=promt_length: there is no such sweep. Did you mean prompt_length?" in told


@pytest.mark.usefixtures("_elsewhere")
@pytest.mark.parametrize("text", ["- seed\n", "seed: [0, 1]\n", "seed: {a: 1}\n", "a: b: c\n", ""])
def test_a_file_that_holds_no_words(text: str) -> None:
    put(text)
    with pytest.raises(RequestError, match=r"mine\.yaml"):
        with_sweep(["sweep=mine"])


def test_a_sweep_is_no_option_of_one_run() -> None:
    assert "sweep" not in folders.groups()
    with pytest.raises(RequestError, match="names several runs"):
        compose("sweep=method_table")


def test_the_shipped_files_hold_plain_words() -> None:
    for file in folders.options("sweep").values():
        body = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert all(isinstance(value, str | int | float) for value in body.values())


def test_runs_of_one_base_stand_together_and_those_that_change_it_last(
    tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = ",".join(str(tiny_models[name]) for name in ("t5", "llama"))
    words = ["method=full,lora,prompt", f"model.path={paths}", "seed=0,0"]
    plan, varied = plan_of(read_request(words, sweep=True))
    assert [(Path(one.settings.model.path or "").name, one.settings.method.name)
            for one in plan] == [
        ("t5", "lora"), ("t5", "prompt"), ("t5", "full"),
        ("llama", "lora"), ("llama", "prompt"), ("llama", "full"),
    ]  # fmt: skip
    assert varied == ["method", "model.path"]
    assert plan[0].label == f"method=lora model.path={tiny_models['t5']}"


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_a_launcher_that_is_not_installed(
    launcher: str, t5_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunebook.request import launcher as launching

    monkeypatch.setitem(launching.LAUNCHERS, launcher, f"hydra_plugins.absent_{launcher}")
    with pytest.raises(RequestError, match=r"not installed. pip install 'tunebook\[launchers\]'"):
        read_request([f"hydra/launcher={launcher}", f"model.path={t5_folder}"], sweep=True)
