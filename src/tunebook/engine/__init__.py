"""Everything that changes how a model computes, behind one door; README.md lists each change."""

from __future__ import annotations

from tunebook.engine.apart import read_apart
from tunebook.engine.batches import IGNORED, by_length, padded, training_batch
from tunebook.engine.generate import (
    check_decoding,
    generate,
    generation_config,
    padding_matters,
    text_of,
)
from tunebook.engine.kinds import KINDS, PREFIX, SOFT
from tunebook.engine.labelled import select_where_wanted
from tunebook.engine.matmul import ONEDNN, TORCH, choose_matmul, use_onednn
from tunebook.engine.mixed import MixedDecoder
from tunebook.engine.probe import start_token
from tunebook.engine.prompt import cannot_share, layers_of, prompt_cache, share
from tunebook.engine.prompts import cannot_mix
from tunebook.engine.trial import try_in_front
from tunebook.models import base as bare
from tunebook.models.base import Base, Say
from tunebook.models.facts import ModelFacts
from tunebook.schema import ModelSettings

__all__ = [
    "IGNORED",
    "KINDS",
    "ONEDNN",
    "PREFIX",
    "SOFT",
    "TORCH",
    "MixedDecoder",
    "by_length",
    "cannot_mix",
    "cannot_share",
    "check_decoding",
    "choose_matmul",
    "generate",
    "generation_config",
    "layers_of",
    "load",
    "padded",
    "padding_matters",
    "prepare",
    "prompt_cache",
    "read_apart",
    "select_where_wanted",
    "share",
    "start_token",
    "text_of",
    "training_batch",
    "try_in_front",
    "use_onednn",
]


def load(settings: ModelSettings, facts: ModelFacts, say: Say) -> Base:
    """Load model and tokenizer, prepared. Raises RequestError where they cannot be loaded whole."""
    return prepare(bare.load(settings, facts, say), settings.matmul, say)


def prepare(base: Base, matmul: str | None, say: Say) -> Base:
    """A base as it was loaded, made to compute only what is wanted; call once for a model.

    Its output layer runs only where it is wanted (labelled.py), and oneDNN multiplies its matrices
    where that is quicker or `matmul` asks for it (matmul.py).
    """
    base.matmul, reason = choose_matmul(matmul, base.device.partition(":")[0], base.dtype)
    if base.matmul == ONEDNN:
        use_onednn(base.model)
    if matmul or base.matmul == ONEDNN:
        say(f"matmul {base.matmul} ({reason})")
    select_where_wanted(base.model)
    return base
