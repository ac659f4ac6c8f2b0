"""What no memory holds is refused before any of it is taken, and names what to lower."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tunebook import methods
from tunebook.engine import load
from tunebook.methods.parts import fitting
from tunebook.pipeline.failures import _in_a_line
from tunebook.settings import resolve

ROOM = 10_000_000_000
TOO_MUCH = {
    "lora": ("method.r", "method.r=100000000"),
    "prefix": ("method.num_virtual_tokens", "method.num_virtual_tokens=100000000"),
    "prompt": ("method.num_virtual_tokens", "method.num_virtual_tokens=100000000"),
    "p_tuning": ("method.encoder_hidden_size", "method.encoder_hidden_size=1000000000"),
}


@pytest.fixture(autouse=True)
def _room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "memory_of", lambda device: ROOM)


@pytest.mark.parametrize("method", TOO_MUCH)
def test_more_than_memory_holds_is_refused_before_it_is_taken(method, settings, t5_folder):
    key, word = TOO_MUCH[method]
    found = resolve(settings("task=translate", f"model.path={t5_folder}", f"method={method}", word))
    base = load(found.settings.model, found.facts, lambda _: None)
    with pytest.raises(methods.RequestError) as raised:
        methods.check(base, found.settings)
    (problem,) = raised.value.problems
    assert problem.where == key
    assert "learned numbers with their gradients take" in problem.what
    assert problem.remedy == "Lower it."


def _base(**facts: Any) -> Any:
    return SimpleNamespace(device="cpu", facts=SimpleNamespace(**facts))


def test_a_prompt_reads_itself(settings):
    prompt = settings("task=translate", "method.num_virtual_tokens=50000").method
    unlimited, limited = _base(context=None, heads=4), _base(context=60_000, heads=4)
    (problem,) = fitting.too_large(unlimited, prompt, 1)
    assert problem.where == "method.num_virtual_tokens"
    assert problem.what == ("is 50,000: the attention among the virtual tokens takes 40 GB; "
                            "there are 10 GB here")  # fmt: skip
    assert fitting.too_large(limited, prompt, 1) == []


def test_all_weights_have_no_size_to_lower(settings):
    whole = settings("task=translate", "method=full").method
    (problem,) = fitting.too_large(_base(context=None, heads=4), whole, ROOM)
    assert problem.where == "method"
    assert problem.remedy == "Choose another one, such as method=lora."


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["method.num_virtual_tokens=5000"], "Lower method.num_virtual_tokens"),
        (["training.batch_size=4"], "Lower training.batch_size and raise training."),
        (["training.batch_size=1"], "Choose a smaller model"),
    ],
)
def test_a_full_memory_names_what_fills_it(words, remedy, settings):
    line = _in_a_line("RuntimeError: can't allocate memory\nmore", settings("task=qa", *words))
    assert line.startswith(f"RuntimeError: can't allocate memory. {remedy}")
    assert _in_a_line("ValueError: other", settings("task=qa", *words)) == "ValueError: other"
