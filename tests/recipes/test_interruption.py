"""Signals end a command in one line, with the code that shells give, whenever they come."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tunebook import interruption
from tunebook.command.command import exit_code

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
both = pytest.mark.parametrize("number", CODES)


@pytest.fixture(autouse=True)
def _signals_are_heard() -> Iterator[None]:
    """Also where the tests run in the background, for which shells switch Ctrl-C off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def sent(*numbers: int, then: Callable[[], object] = lambda: None) -> Callable[[], int]:
    """Work in the middle of which these signals come."""

    def work() -> int:
        try:
            for number in numbers:
                os.kill(os.getpid(), number)
        finally:
            then()
        return 0

    return work


@both
def test_a_signal_ends_in_one_line_and_its_code(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(number)
    assert exit_code(sent(number), interrupted="interrupted; try again") == CODES[number]
    assert capsys.readouterr().err == "tunebook: interrupted; try again\n"
    assert signal.getsignal(number) is before


@both
def test_a_second_press_is_the_same_one(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    ended: list[bool] = []
    again = sent(number, number, then=lambda: ended.append(True))
    work = sent(number, then=again)
    assert exit_code(work) == CODES[number]
    assert ended == [True], "what has to be ended well is"
    assert capsys.readouterr().err == "tunebook: interrupted\n"


def test_what_a_library_makes_of_a_signal_is_an_interruption_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def work() -> int:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("numpy.core failed to import") from None
        return 0

    assert exit_code(work) == 130
    assert capsys.readouterr().err == "tunebook: interrupted\n"


def test_an_interruption_is_forgotten_with_its_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(sent(signal.SIGINT)) == 130

    def work() -> int:
        raise OSError(28, "No space left on device", "outputs/x")

    assert exit_code(work) == 1
    assert capsys.readouterr().err.endswith("outputs/x: the disk is full. Make room; the same "
                                            "command continues.\n")  # fmt: skip


def test_a_switched_off_signal_stays_off() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert exit_code(sent(signal.SIGINT)) == 0
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_defect_is_one_line_that_names_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise KeyError("x")

    assert exit_code(work) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("tunebook: KeyError: 'x' (test_interruption.py:")


def test_a_full_standard_output_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "recipes.book", "--help"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "tunebook: the disk is full. Make room; the same command continues.\n"


COMMANDS = sorted(file.stem for file in Path(interruption.__file__).parent.glob("*.py")
                  if "__main__" in file.read_text(encoding="utf-8"))  # fmt: skip
WAITS = """
import runpy, signal, sys, time
sys.argv = ["-m"]
import recipes
sys.argv = ["command", *sys.argv[2:]]
print("ready", flush=True)
time.sleep(60)
"""


@both
def test_before_a_command_begins_a_signal_is_one_line(number: int) -> None:
    """While modules are imported, which `python -m` does behind the package."""
    process = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.send_signal(number)
    _, told = process.communicate(timeout=30)
    assert process.returncode == CODES[number]
    assert told == "tunebook: interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("after", [0.15, 0.3, 0.6])
def test_no_command_shows_a_traceback_when_it_is_pressed_twice(command: str, after: float) -> None:
    process = subprocess.Popen([sys.executable, "-m", f"recipes.{command}", "--help"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
                               )  # fmt: skip
    time.sleep(after)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, told = process.communicate(timeout=60)
    # -2: while Python itself ends it has given its handlers back; a shell says 130 of that too
    assert process.returncode in (0, 130, -signal.SIGINT)
    assert re.fullmatch(r"(tunebook: interrupted(; .+)?\n)?", told)
