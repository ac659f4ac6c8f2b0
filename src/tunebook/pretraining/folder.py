"""The folder of a base: everything that from_pretrained needs, and how it came about."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from tokenizers import Tokenizer

from tunebook.pretraining import vocabulary
from tunebook.pretraining.mixture import VERSION
from tunebook.pretraining.settings import PretrainingSettings

Log = list[dict[str, float]]
"""What is logged, an entry every some steps."""


def write(
    output: Path, model: Any, tokenizer: Tokenizer, settings: PretrainingSettings, log: Log
) -> None:
    """Write all files beside `output`, then put each in its place, so that none is ever half."""
    draft = output.with_name(output.name + ".draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    model.save_pretrained(draft)
    vocabulary.save(tokenizer, draft, settings.encoder_decoder)
    content = {**asdict(settings), "mixture": VERSION}
    (draft / "settings.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    lines = [json.dumps(entry) for entry in log]
    (draft / "training_log.jsonl").write_text("\n".join(lines) + "\n")
    count = sum(parameter.numel() for parameter in model.parameters())
    (draft / "README.md").write_text(card(settings, count, log))
    output.mkdir(parents=True, exist_ok=True)
    for file in sorted(draft.iterdir()):
        file.chmod(0o644)
        file.replace(output / file.name)
    draft.rmdir()


def card(settings: PretrainingSettings, parameters: int, log: Log) -> str:
    """The model card."""
    last = log[-1]
    template = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
    return template.format(
        name=settings.model,
        shape=_shape(settings),
        parameters=f"{parameters / 1e6:.2f} million",
        version=VERSION,
        vocabulary=settings.vocabulary,
        ends=_END_ENCODER if settings.encoder_decoder else _END_DECODER,
        command=f"python -m recipes.pretrain model={settings.model} steps={int(last['step'])}",
        steps=int(last["step"]),
        tokens=f"{last['tokens'] / 1e6:.1f} million",
        minutes=f"{last['seconds'] / 60:.0f}",
        threads=settings.threads,
        longest=settings.longest_prompt,
        again=_AGAIN_STEPS if settings.steps else _AGAIN_MINUTES,
        loss=last["loss"],
    )


def _shape(settings: PretrainingSettings) -> str:
    if settings.encoder_decoder:
        layers = f"{settings.layers} encoder and {settings.decoder_layers} decoder layers"
        return f"T5 (encoder-decoder), {layers} of width {settings.width}"
    return f"Llama (decoder-only), {settings.layers} layers of width {settings.width}"


_END_ENCODER = "It ends every text with the end mark, as T5 does."
_END_DECODER = "It adds no special token by itself."
_AGAIN_STEPS = "Made again, bit for bit on the same machine, with"
_AGAIN_MINUTES = "It ended by time, so it cannot be made again bit for bit; as many steps:"
