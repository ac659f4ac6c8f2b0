"""What the doctor makes of machines: cards, builds of torch, libraries, disks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tunebook.book.doctor import CAUTION, WELL, WRONG, Finding, machine

Patch = pytest.MonkeyPatch


def found(where: str, tmp_path: Path) -> Finding:
    (one,) = [one for one in machine.look_at_machine(tmp_path / "outputs") if one.where == where]
    return one


@pytest.fixture
def card(tmp_path: Path, monkeypatch: Patch) -> Callable[[str], None]:
    """A driver that answers with the given line."""

    def answering(line: str) -> None:
        driver = tmp_path / "nvidia-smi"
        driver.write_text(f"#!/bin/sh\necho '{line}'\n")
        driver.chmod(0o755)
        monkeypatch.setattr(machine, "ASK_CARD", (str(driver),))

    return answering


def versions(monkeypatch: Patch, **others: str) -> None:
    real = machine.metadata.version
    monkeypatch.setattr(machine.metadata, "version",
                        lambda name: others.get(name.replace("-", "_")) or real(name)
                        )  # fmt: skip


def test_this_machine_is_well(tmp_path: Path) -> None:
    assert found("libraries", tmp_path).level == WELL
    assert found("outputs", tmp_path).level in (WELL, CAUTION)


def test_a_card_and_its_number_format(
    card: Callable[[str], None], tmp_path: Path, monkeypatch: Patch
) -> None:
    versions(monkeypatch, torch="2.13.0+cu130")
    card("NVIDIA A100, 81920 MiB, 8.0")
    assert found("card", tmp_path).what == "NVIDIA A100, 81920 MiB; runs compute in bfloat16"
    assert found("device", tmp_path).what == "torch 2.13.0+cu130 on CUDA"
    card("Tesla T4, 15360 MiB, 7.5")
    assert "float32 (no bfloat16" in found("card", tmp_path).what


def test_a_card_that_torch_cannot_use(
    card: Callable[[str], None], tmp_path: Path, monkeypatch: Patch
) -> None:
    card("NVIDIA A100, 81920 MiB, 8.0")
    versions(monkeypatch, torch="2.13.0+cpu")
    one = found("device", tmp_path)
    assert (one.level, one.what) == (CAUTION, "torch 2.13.0+cpu cannot use the card")
    assert "Install the build for your CUDA" in one.remedy


@pytest.mark.parametrize("answer", ["", "No devices were found", "a, b"])
def test_a_driver_without_a_card(answer: str, card: Callable[[str], None], tmp_path: Path) -> None:
    card(answer)
    assert machine.cards_here() == []


def test_no_driver_and_one_that_hangs(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr(machine, "ASK_CARD", (str(tmp_path / "nothing"),))
    assert machine.cards_here() == []
    monkeypatch.setattr(machine, "ASK_CARD", ("sleep", "60"))
    monkeypatch.setattr(machine, "PATIENCE", 0.1)
    assert machine.cards_here() == []


def test_a_library_of_another_version(tmp_path: Path, monkeypatch: Patch) -> None:
    versions(monkeypatch, peft="0.9.0")
    one = found("peft", tmp_path)
    assert one.level == WRONG
    assert "0.9.0 is installed; Tunebook needs" in one.what
    assert one.remedy.startswith("Run: pip install 'peft")


def test_a_library_that_is_missing(tmp_path: Path, monkeypatch: Patch) -> None:
    real = machine.metadata.version

    def version(name: str) -> str:
        if name == "sacrebleu":
            raise machine.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(machine.metadata, "version", version)
    assert found("sacrebleu", tmp_path).what == "is not installed"


def test_a_full_disk(tmp_path: Path, monkeypatch: Patch) -> None:
    usage = machine.shutil._ntuple_diskusage(10**12, 10**12, 10**6)  # type: ignore[attr-defined]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    one = found("outputs", tmp_path)
    assert one.level == CAUTION
    assert "recipes.book clean" in one.remedy
