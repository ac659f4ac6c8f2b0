"""What the pages on launchers and searches say can be typed: each command is taken as it stands."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from recipes import compose
from tunebook import folders
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import read_request
from tunebook.search.ranges import ranges_of
from tunebook.settings import resolve

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8").replace("\\\n", " ")
         for name in ("launchers", "tuning-at-equal-effort")}  # fmt: skip
COMMAND = re.compile(r"^    (?:\w+=\d+ )?python -m recipes\.run (.*)$", re.MULTILINE)
TYPED = [line for page in PAGES.values() for line in COMMAND.findall(page)]


@pytest.mark.parametrize("typed", TYPED)
def test_each_command_is_taken(typed: str) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    words = [word for word in shlex.split(typed) if word not in ("-m", "...")]
    assert read_request(words, sweep="-m" in typed).sweep == ("-m" in typed)


def test_the_words_of_slurm_are_known() -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    rows = re.findall(r"^\| (`.*`) \| .* \|$", PAGES["launchers"], re.MULTILINE)
    named = {word for row in rows for word in re.findall(r"`(\w+)(?:=\d+)?`", row)}
    assert {"partition", "timeout_min", "array_parallelism", "setup"} <= named
    for word in sorted(named - {"setup"}):
        value = "1" if word not in ("partition", "account", "qos", "constraint") else "name"
        read_request(["hydra/launcher=submitit_slurm", f"hydra.launcher.{word}={value}"],
                     sweep=True)  # fmt: skip
    more = ["+hydra.launcher.additional_parameters.reservation=name",
            "hydra.launcher.setup=['module load cuda']"]  # fmt: skip
    read_request(["hydra/launcher=submitit_slurm", *more], sweep=True)


def test_the_file_of_words_can_be_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    text = PAGES["launchers"].split("conf/sweep/cluster.yaml`:\n\n")[1].split("\n\n")[0]
    file = tmp_path / "conf" / "sweep" / "cluster.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(line.removeprefix("    ") for line in text.splitlines()))
    monkeypatch.chdir(tmp_path)
    words, named = with_sweep(["sweep=cluster", "task=summarize"])
    assert named
    assert read_request(words, sweep=True).launcher[0] == "hydra/launcher=submitit_slurm"


def test_the_ranges_of_the_page_can_be_searched() -> None:
    page = PAGES["tuning-at-equal-effort"]
    text = "\n".join(line.removeprefix("    ") for line in page.splitlines()
                     if re.match(r"    (search:|  \w+\.\w+: \{)", line))  # fmt: skip
    settings = compose("method=lora")
    settings.method.search = yaml.safe_load(text)["search"]
    assert len(ranges_of(resolve(settings).settings)) == 3


def test_the_table_of_searched_keys_is_that_of_the_methods() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (learning rate.*) \|$", PAGES["tuning-at-equal-effort"],
                      re.MULTILINE)  # fmt: skip
    shown = {name: set(re.findall(r"`(\w+)`", text)) for name, text in rows}
    for name in folders.options("method"):
        search = compose(f"method={name}").method.search
        if search:
            keys = {key.rsplit(".", 1)[-1] for key in search} - {"learning_rate"}
            assert shown[name] == keys, name
