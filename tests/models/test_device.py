"""Where the model computes, on machines of every kind."""

from __future__ import annotations

import pytest
import torch

from tunebook.errors import RequestError
from tunebook.models.device import choose_device, choose_dtype, placement
from tunebook.schema import ModelSettings


def settings(**changes):
    return ModelSettings(name="it", **changes)


@pytest.fixture
def machine(monkeypatch):
    """Pretend to be a machine with a CUDA card of this capability, an Apple GPU, or neither."""

    def pretend(capability=None, mps=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: "Test Card")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda index: capability)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    return pretend


@pytest.mark.parametrize(
    ("capability", "mps", "device", "dtype"),
    [
        ((9, 0), False, ("cuda", "Test Card"), ("bfloat16", "CUDA, compute capability 9.0")),
        ((8, 0), True, ("cuda", "Test Card"), ("bfloat16", "CUDA, compute capability 8.0")),
        ((7, 5), False, ("cuda", "Test Card"),
         ("float32", "CUDA, compute capability 7.5: no bfloat16 before 8.0")),
        (None, True, ("mps", "Apple GPU"), ("float32", "mps")),
        (None, False, ("cpu", "torch sees no GPU"), ("float32", "CPU")),
    ],
)  # fmt: skip
def test_the_best_device_is_taken_with_a_reason(machine, capability, mps, device, dtype):
    machine(capability, mps)
    assert choose_device(settings()) == device
    assert choose_dtype(settings(), device[0]) == dtype


def test_what_is_asked_for_wins(machine):
    machine((9, 0))
    assert choose_device(settings(device="cpu")) == ("cpu", "as asked")
    assert choose_dtype(settings(dtype="float16"), "cuda") == ("float16", "as asked")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_not_here(machine, device):
    machine()
    with pytest.raises(RequestError, match=f"no {device} device.*Here: cpu; leave") as raised:
        choose_device(settings(device=device))
    assert raised.value.problems[0].where == "model.device"


def test_bfloat16_on_a_card_without_it(machine):
    machine((7, 0))
    with pytest.raises(RequestError, match=r"compute capability 7.0\) has no bfloat16"):
        choose_dtype(settings(dtype="bfloat16"), "cuda")


def test_each_process_of_torchrun_takes_its_own_card(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert placement("cuda") == "cuda:0"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert (placement("cuda"), placement("cpu")) == ("cuda:3", "cpu")
