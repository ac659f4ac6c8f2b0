"""What may be asked of recipes.bench, and how a wrong request is answered."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from recipes.bench import main
from tunebook.bench.settings import every_key, model_path, read_request


def test_values_are_typed_and_the_rest_has_defaults() -> None:
    request = read_request(["method=prefix", "bench.length=32", "bench.measure=training,trainer"])
    assert (request.method, request.bench.batch, request.bench.shape) == (
        "prefix", 16, "bench6x384"
    )  # fmt: skip
    assert request.bench.measure == ["training", "trainer"]
    assert request.target == 8
    assert request.with_value("length", 64).bench.length == 64
    assert read_request(["bench.sweep=batch", "bench.values=1,2"]).bench.values == [1, 2]


def test_a_model_is_an_option_of_conf_or_a_folder() -> None:
    assert model_path("tiny_llama") == "tunebook:tiny_llama"
    assert model_path("/some/folder") == "/some/folder"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["batch=3"], "Did you mean bench.batch?"),
        (["bench.vrtual=3"], "Did you mean bench.virtual?"),
        (["bench.shape=tiny_lama"], "Did you mean tiny_llama?"),
        (["method=promt"], "Did you mean prompt?"),
        (["bench.length=x"], "expects a whole number"),
        (["bench.repeats=0"], "at least 1"),
        (["bench.target=64"], "leaves no source"),
        (["bench.values=1,2"], "belongs to bench.sweep"),
        (["bench.sweep=virtual", "method=lora"], "no virtual tokens"),
        (["bench.measure=traning"], "Did you mean training?"),
        (["faster"], "no KEY=VALUE"),
        (["--jsn", "x"], "Did you mean --json?"),
        (["--json"], "wants a value"),
        (["--json", "/nowhere/x.json"], "its folder is not there"),
        (["--plot", "x.png"], "belongs to a sweep"),
        (["stock-decoding"], "RUN is missing"),
        (["stock-decoding", "/nowhere"], "no such folder"),
    ],
)
def test_wrong_requests_are_answered_at_once(words: list[str], told: str, capsys: Any) -> None:
    assert main(words) == 2
    assert told in capsys.readouterr().err


def test_all_problems_are_told_together(capsys: Any) -> None:
    assert main(["batch=3", "bench.length=x", "foo"]) == 2
    assert "3 problems" in capsys.readouterr().err


def test_help_names_every_key_without_torch() -> None:
    code = "import sys, recipes.bench as b; b.main(['--help']); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False\n")
    assert all(key in done.stdout for key in every_key())
