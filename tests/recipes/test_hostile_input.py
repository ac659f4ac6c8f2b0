"""Mutated recipes, options and words: each is taken or refused, none ends in a traceback."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recipes import compose
from tunebook.errors import RequestError
from tunebook.request.named_sweep import with_sweep
from tunebook.request.request import read_request
from tunebook.settings import resolve
from tunebook.settings.reading import every_key
from tunebook.settings.written import read_option

RECIPE = """\
# python -m recipes.run recipe=mine
# Mine
defaults:
  - override /task: qa
  - override /data: village
  - override /model: tiny_llama
  - override /method: lora
  - _self_
expect: better than before
method:
  r: 3
  target_modules: [q_proj, v_proj]
  peft: {bias: none}
training:
  learning_rate: 1e-3
  max_steps: 20
  arguments: {adam_beta1: 0.9}
data:
  limit: {train: 30}
  fields: {question: ask}
template:
  text: "{{ bare }}"
decoding: {num_beams: 1}
tune: {fixed: [seed]}
seed: 5
"""
VALUES = [
    "null", "true", "~", "''", "{}", "[]", "???", "-1", "0", "1e400", "-1e400", ".nan", ".inf",
    "010", "0x1F", "1:30", "9" * 30, "9" * 400, "9" * 5000, "1e-3", "2001-01-01", "[[1]]",
    "{a: {b: 1}}", "${x}", "${oc.env:HOME}", "\\${x}", "*a", "&a b", "&a [*a]", "!!int x",
    "!!python/name:os.system", "!!binary aGk=", "!!set {a}", "|\n  x", "'\\ud800'", "\"\\ud800\"",
    "\x00", "\x1b[2J", "\u202e", "é", "日本", "😀", "a" * 300, "a/" * 3000, "~nosuch/x",
    "/dev/null",
    "/", ".", "..", "../..", "-", "- a", "a: b", ": ", "%", "@", "`", "[" * 200, "{" * 200,
    "x" * 20_000, "1,2", "range(0,10000000)", "glob(*)", "interval(0,1)", "choice(1)", "'a,b'",
    "{{ bare", "{% for x in y %}", "=", "==", "\\n", "$", "#", "\ud800", "<<", "yes", "inf",
]  # fmt: skip
LINES = [
    "hydra: {run: {dir: x}}", "_target_: os.system", "defaults: [x]", "1: 2", "null: 1",
    "? [1]\n: 2", "seed: 1\nseed: 2", "  - x", "\t- x", "---", "...", "<<: *x", "<<: {seed: 1}",
    "task:", "task: 3", "method: [1]", "data: null", "model: {path: 3}",
    "training: {max_steps: {}}",
    "method: {kind: nosuch}", "task: {kind: [1]}", "method: {peft: [1]}", "tune: {trials: x}",
    "method: {by_family: {x: 3}}", "method: {search: {seed: {among: []}}}", "template: {text: 3}",
    "data: {source: rows, rows: {train: [1]}}", "data: {splits: [1]}", "model: {by_method: 3}",
    "method: {usual_learning_rate: [x]}", "task: {headline: [x]}", "data: {rows: 3, source: rows}",
    "training: {report_to: [[x]]}", "training: {arguments: {logging_strategy: 3}}",
    "training: {arguments: {lr_scheduler_kwargs: 3}}", "training: {optim: [1]}",
    "method: {search: {seed: 3}}", "data: {instructions: {qa: [1]}}", "task: {language: ''}",
]  # fmt: skip
HEADS = ["# @package _global_", "# @package hydra", "# @x", "# @package a b c", "\ufeff", "%YAML 9"]
KEYS = [where for where, _ in every_key()]
GROUPS = ["task", "data", "model", "method", "template", "training", "decoding", "recipe", "sweep",
          "hydra", "hydra/launcher", "hydra.run.dir", "tune", "nosuch"]  # fmt: skip


def mutated(draw: random.Random) -> str:
    """The recipe with one to three of its lines, values or bytes changed."""
    lines = RECIPE.splitlines()
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(lines))
        key = lines[at].partition(":")[0]
        lines[at : at + 1] = draw.choice([
            [f"{key}: {draw.choice(VALUES)}"], [lines[at], draw.choice(LINES)], [],
            [lines[at][: draw.randrange(len(lines[at]) + 1)]], [" " + lines[at]],
            [draw.choice(HEADS), lines[at]], [lines[at], lines[at]],
            [lines[at].replace(":", draw.choice(["", "::", ": - "]), 1)],
        ]) or [""]  # fmt: skip
    return "\n".join(lines) + "\n"


def word(draw: random.Random) -> str:
    """One word of a command line."""
    key = draw.choice([draw.choice(KEYS), draw.choice(KEYS), draw.choice(GROUPS)])
    key = draw.choice([key, key, key, f"+{key}", f"++{key}", f"~{key}", f"{key}.x", f"{key}@x",
                       key[: draw.randrange(len(key) + 1)], f"{key}..x", f"[{key}]"])  # fmt: skip
    value = draw.choice(VALUES)
    quote = draw.choice(["", "", "", "'", '"'])
    return draw.choice([f"{key}={quote}{value}{quote}", key, f"{key}={value},{value}", value])


def survives(work: Callable[[], object], what: str) -> None:
    """`work` is done, or refused in lines that tell what is wrong."""
    try:
        work()
    except RequestError as error:
        for problem in error.problems:
            assert str(problem).strip(), what
            assert len(str(problem)) < 2_000, what
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} from {what[:2000]!r}") from error


def sweep(words: list[str]) -> object:
    found, named = with_sweep(words)
    return read_request(found, sweep=named or True)


def cases(kind: str, seeds: range) -> Iterator[tuple[int, random.Random]]:
    for seed in seeds:
        yield seed, random.Random(f"{kind} {seed}")


def write(path: str, text: str) -> None:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode("utf-8", "surrogatepass"))


def files(seeds: range) -> None:
    file = Path("conf/recipe/mine.yaml")
    for seed, draw in cases("file", seeds):
        text = mutated(draw)
        write("conf/recipe/mine.yaml", text)
        survives(lambda: read_option(file, "recipe"), f"seed {seed}: {text}")


def recipes(seeds: range) -> None:
    for seed, draw in cases("recipe", seeds):
        text = mutated(draw)
        write("mine.yaml", text)
        survives(lambda: resolve(compose("recipe=mine.yaml")), f"seed {seed}: {text}")


def run_folders(seeds: range) -> None:
    for seed, draw in cases("run", seeds):
        body = mutated(draw)
        text = body.partition("expect")[2] if draw.random() < 0.7 else body
        write("run/settings.yaml", f"expect{text}")
        survives(lambda: resolve(compose("recipe=./run")), f"seed {seed}: {text}")


def options(seeds: range) -> None:
    for seed, draw in cases("option", seeds):
        group = draw.choice(["data", "model", "method", "task", "training", "template"])
        lines = [f"name: {draw.choice(['mine', *VALUES])}", *draw.sample(LINES, 2)]
        lines += [f"{draw.choice(['kind', 'source', 'path', 'r'])}: {draw.choice(VALUES)}"]
        text = "\n".join([draw.choice(["", *HEADS]), *lines])
        write(f"conf/{group}/mine.yaml", text)
        survives(lambda g=group: resolve(compose(f"{g}=mine")), f"seed {seed}: {group} {text}")
        Path(f"conf/{group}/mine.yaml").unlink()


def words(seeds: range) -> None:
    for seed, draw in cases("word", seeds):
        typed = [word(draw) for _ in range(draw.randint(1, 3))]
        survives(lambda typed=typed: resolve(compose(*typed)), f"seed {seed}: {typed}")


def sweeps(seeds: range) -> None:
    for seed, draw in cases("sweep", seeds):
        lines = [f"{draw.choice(KEYS)}: {draw.choice(VALUES)}" for _ in range(2)]
        write("conf/sweep/mine.yaml", "\n".join(lines))
        typed = [word(draw)] if draw.random() < 0.5 else ["sweep=mine"]
        survives(lambda typed=typed: sweep(typed), f"seed {seed}: {typed} {lines}")


QUICK = {"files": 250, "recipes": 8, "run_folders": 8, "options": 10, "words": 12, "sweeps": 12}
KINDS = {one.__name__: one for one in (files, recipes, run_folders, options, words, sweeps)}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", KINDS)
def test_a_few_of_each_kind(kind: str) -> None:
    KINDS[kind](range(QUICK[kind]))


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_many_of_each_kind(kind: str) -> None:
    KINDS[kind](range(QUICK[kind], 500))
