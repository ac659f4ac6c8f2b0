"""What one pretraining run is: the shape of the base and how long it learns."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

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
    """The settings that `key=value` overrides give; raises ValueError listing every fault."""
    model = overrides.get("model", "tiny_t5")
    if model not in DEFAULTS:
        raise ValueError(f"model={model}: unknown; choose {' or '.join(sorted(DEFAULTS))}")
    base = DEFAULTS[model]
    known = {field.name: type(getattr(base, field.name)) for field in fields(base)}
    values: dict[str, object] = {}
    faults: list[str] = []
    for key, text in overrides.items():
        if key not in known:
            faults.append(f"{key}={text}: no such setting; there are {', '.join(known)}, output")
            continue
        try:
            values[key] = known[key](text)
        except ValueError:
            faults.append(f"{key}={text}: give {_KINDS[known[key]]}")
    faults += [f"{key}={value}: give more than 0" for key, value in values.items()
               if key in _POSITIVE and float(str(value)) <= 0]  # fmt: skip
    if faults:
        raise ValueError("\n".join(faults))
    return replace(base, **values)  # type: ignore[arg-type]


_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "a word"}
_POSITIVE = ("minutes", "vocabulary", "width", "heads", "layers", "batch", "threads")
