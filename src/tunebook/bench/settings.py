"""What to measure: typed keys, read without torch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunebook import documents, folders
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.typed import fields_of, read, setting

SHAPES: dict[str, dict[str, Any]] = documents.read_yaml(Path(__file__).with_name("shapes.yaml"))
SWEEPS = {"virtual": [5, 20, 50, 100, 200], "batch": [1, 4, 16, 32], "length": [16, 32, 64, 128]}
"""What `bench.sweep` changes, and through which values."""
MEASURES = ("training", "generation", "trainer")
OF_MEASURE = "what to compare; trainer: our Trainer and a bare loop"
OF_MATMUL = "what multiplies Tunebook's matrices on a CPU; null: what a run would take"
OF_DTYPE = "null: bfloat16 on CUDA, float32 on CPU"


@dataclass
class BenchSettings:
    """One side-by-side measurement."""

    shape: str = setting("bench6x384", "random weights of this shape", choices=SHAPES)
    batch: int = setting(16, "rows in a training step", at_least=1)
    length: int = setting(64, "tokens of text in a row, the target included", at_least=4)
    target: int | None = setting(None, "labelled tokens in a row; null: length / 4", at_least=1)
    virtual: int = setting(100, "virtual tokens of prompt and prefix", at_least=1)
    steps: int = setting(8, "timed training steps in a process", at_least=2)
    warmup: int = setting(2, "steps in front of them that do not count", at_least=1)
    repeats: int = setting(5, "processes for each side, taking turns", at_least=1)
    measure: list[str] = setting(["training", "generation"], OF_MEASURE, choices=MEASURES)
    examples: int = setting(400, "examples to generate for, of mixed lengths", at_least=2)
    new_tokens: int = setting(32, "generate at most this many tokens", at_least=1)
    decoding_batch: int = setting(32, "rows generated at once", at_least=1)
    sweep: str | None = setting(
        None, "measure training for several values of this key", choices=SWEEPS
    )
    values: list[int] | None = setting(None, "the values; null: a good choice")
    threads: int | None = setting(None, "CPU threads; null: torch's own choice", at_least=1)
    device: str | None = setting(None, "null: cuda where there is one", choices=("cuda", "cpu"))
    dtype: str | None = setting(None, OF_DTYPE, choices=("float32", "bfloat16"))
    matmul: str | None = setting(None, OF_MATMUL, choices=("torch", "onednn"))


@dataclass
class Request:
    """What the command asks for."""

    model: str | None = setting(None, "real weights: an option of conf/model, or a folder")
    method: str = setting("prompt", "what is trained", choices=("prompt", "prefix", "lora"))
    bench: BenchSettings = setting(BenchSettings, "how it is measured")

    @property
    def target(self) -> int:
        """Labelled tokens in a row."""
        return self.bench.target or self.bench.length // 4

    @property
    def name(self) -> str:
        """What is measured, for titles."""
        return self.model or self.bench.shape

    def with_value(self, key: str, value: int) -> Request:
        """The same request with another value of `bench.KEY`."""
        changed: dict[str, Any] = {key: value}
        return dataclasses.replace(self, bench=dataclasses.replace(self.bench, **changed))


def read_request(words: Sequence[str]) -> Request:
    """The request that `KEY=VALUE` words make. Raises RequestError with every problem found."""
    problems: list[Problem] = []
    content: dict[str, Any] = {"bench": {}}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals:
            problems.append(Problem(word, "is no KEY=VALUE", f"Keys: {', '.join(every_key())}."))
        elif key not in every_key():
            problems.append(Problem(key, "no such key", _near(key)))
        else:
            group, _, name = key.rpartition(".")
            (content[group] if group else content)[name] = _value(text, key)
    request = read(Request, content, "", problems)
    problems += _contradictions(request) if request else []
    if problems or request is None:
        raise RequestError(problems)
    return request


def every_key() -> dict[str, Any]:
    """Each key with its field."""
    own = {name: field for name, field in fields_of(Request).items() if name != "bench"}
    return own | {f"bench.{name}": field for name, field in fields_of(BenchSettings).items()}


def _near(key: str) -> str:
    whole = key if "." in key or key in ("model", "method") else f"bench.{key}"
    return f"Did you mean {whole}?" if whole in every_key() else did_you_mean(whole, every_key())


def _value(text: str, key: str) -> Any:
    if key == "model":
        return text
    is_list = key in ("bench.values", "bench.measure") and not text.startswith("[")
    try:
        return documents.parse_yaml(f"[{text}]" if is_list else text, key, object)
    except documents.BrokenDocument:
        return text


def _contradictions(request: Request) -> Iterator[Problem]:
    bench = request.bench
    if request.target >= bench.length:
        what = f"{request.target} leaves no source in {bench.length} tokens"
        yield Problem("bench.target", what, "Give less than bench.length.")
    if bench.values and not bench.sweep:
        yield Problem("bench.values", "belongs to bench.sweep", "Add bench.sweep=virtual.")
    if bench.sweep == "virtual" and request.method == "lora":
        yield Problem("bench.sweep", "LoRA has no virtual tokens", "Sweep batch or length.")
    low = 4 if bench.sweep == "length" else 1
    if wrong := [value for value in bench.values or [] if value < low]:
        yield Problem("bench.values", f"{wrong[0]} is below {low}")


def model_path(name: str) -> str:
    """Where the weights of `model=NAME` are: what conf/model says, or the folder itself."""
    file = folders.options("model").get(name)
    return str(documents.read_yaml(file).get("path") or name) if file else name
