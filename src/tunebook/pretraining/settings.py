"""What one pretraining run is: the shape of the base and how long it learns."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from tunebook.errors import Problem, RequestError, either

FAMILY = {"tiny_t5": "encoder-decoder", "tiny_llama": "decoder-only"}


@dataclass(frozen=True)
class PretrainingSettings:
    """All that the weights depend on, besides the village itself."""

    model: str = "tiny_t5"
    seed: int = 0
    # The end: after so many steps, which is exactly repeatable; or, with steps=0, after so many
    # minutes of work a thread, so that a busy machine does not cut training short.
    steps: int = 0
    minutes: float = 60.0
    vocabulary: int = 3072
    width: int = 128
    heads: int = 4
    layers: int = 3
    decoder_layers: int = 3
    inner: int = 512
    batch: int = 32
    # Hidden matrices learn with Muon, embeddings and gains with AdamW.
    matrix_learning_rate: float = 4e-3
    embedding_learning_rate: float = 5e-3
    warmup: float = 0.02
    # Decoder-only: standard deviation of the first embeddings.
    spread: float = 0.02
    # Decoder-only: weight of the loss on source tokens, in the share of batches that has it.
    # A target token counts 1.
    source_weight: float = 0.3
    source_share: float = 0.25
    # Share of batches with a random prompt in front, and its greatest length.
    prompted: float = 0.5
    longest_prompt: int = 56
    threads: int = 1
    # bfloat16 matrix products halve the time where the CPU has them; weights stay float32.
    bfloat16: int = 1

    @property
    def encoder_decoder(self) -> bool:
        return FAMILY[self.model] == "encoder-decoder"


DEFAULTS = {
    "tiny_t5": PretrainingSettings("tiny_t5"),
    "tiny_llama": PretrainingSettings(
        "tiny_llama", layers=6, inner=384, embedding_learning_rate=1e-3, spread=0.3
    ),
}


def resolve(overrides: dict[str, str]) -> PretrainingSettings:
    """The settings that `key=value` overrides give. Raises RequestError with every problem."""
    model = overrides.get("model", "tiny_t5")
    if model not in DEFAULTS:
        remedy = f"Choose {either(sorted(DEFAULTS))}."
        raise RequestError(Problem(f"model={model}", "there is no such base", remedy))
    base = DEFAULTS[model]
    values: dict[str, Any] = {}
    problems = []
    for key, text in overrides.items():
        try:
            values[key] = _value(getattr(base, key, None), text, positive=key in POSITIVE)
        except ValueError as error:
            problems.append(Problem(f"{key}={text}", str(error)))
    if problems:
        raise RequestError(problems)
    return replace(base, **values)


def _value(usual: object, text: str, *, positive: bool) -> object:
    kind: Any = type(usual)
    if kind not in KINDS:
        keys = ", ".join(field.name for field in fields(PretrainingSettings))
        raise ValueError(f"no such setting; there are {keys}, output")
    try:
        value = kind(text)
    except ValueError:
        raise ValueError(f"give {KINDS[kind]}") from None
    if positive and value <= 0:
        raise ValueError("give more than 0")
    return value


KINDS: dict[Any, str] = {int: "a whole number", float: "a number", str: "a word"}
POSITIVE = ("minutes", "vocabulary", "width", "heads", "layers", "batch", "threads")
