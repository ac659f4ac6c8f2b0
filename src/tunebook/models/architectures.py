"""Which family a config.json belongs to, by the tables of the installed transformers.

The tables are read from the library's source, because importing them takes seconds.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ENCODER_DECODER = "encoder-decoder"
DECODER_ONLY = "decoder-only"

Table = dict[str, str]


class Unsuitable(ValueError):
    """The configuration describes no text-to-text or text-generating model; says why."""


def family_of(config: Mapping[str, Any]) -> tuple[str, str]:
    """The family and the class name that transformers' Auto classes give to `config`.

    Raises Unsuitable for encoders, classifiers, speech and image models, and remote code.
    """
    kind, named = str(config.get("model_type", "")), _named_architecture(config)
    _refuse_unknown(kind, config)
    sequence, causal = _tables()["SEQ_TO_SEQ_CAUSAL_LM"], _tables()["CAUSAL_LM"]
    if "audio_config" in config or kind in _tables()["SPEECH_SEQ_2_SEQ"]:
        raise Unsuitable(f"is a speech model ({named or kind})")
    if not named or named in _headless(kind):
        return _by_type(kind, named, bool(config.get("is_encoder_decoder")))
    if named == sequence.get(kind) or (not causal and named.endswith("ForConditionalGeneration")):
        return ENCODER_DECODER, named
    if named in causal.values() or (not causal and named.endswith(("CausalLM", "LMHeadModel"))):
        return DECODER_ONLY, named
    raise Unsuitable(f"is a {named}, which neither answers a source text nor continues one")


def _named_architecture(config: Mapping[str, Any]) -> str:
    names = config.get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def _refuse_unknown(kind: str, config: Mapping[str, Any]) -> None:
    if not kind:
        raise Unsuitable("has a config.json without model_type")
    known = _tables()["BASE"]
    if known and kind not in known and kind not in _tables()["CAUSAL_LM"]:
        code = ": it needs code from its own repository" if "auto_map" in config else ""
        raise Unsuitable(f"has model_type {kind}, which is not built into transformers{code}")


def _headless(kind: str) -> tuple[str, ...]:
    base = _tables()["BASE"].get(kind, "")
    return (base,) if isinstance(base, str) else tuple(base)


def _by_type(kind: str, named: str, encoder_decoder: bool) -> tuple[str, str]:
    """For a config that names no language-model class, as facebook/bart-base's BartModel."""
    sequence, causal = _tables()["SEQ_TO_SEQ_CAUSAL_LM"], _tables()["CAUSAL_LM"]
    if encoder_decoder and kind in sequence:
        return ENCODER_DECODER, sequence[kind]
    if not encoder_decoder and kind in causal and kind not in _tables()["MASKED_LM"]:
        return DECODER_ONLY, causal[kind]
    raise Unsuitable(f"is a {named or kind}, which neither answers a source text nor continues one")


TABLES = {
    "BASE": "MODEL_MAPPING_NAMES",
    "CAUSAL_LM": "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "MASKED_LM": "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "SEQ_TO_SEQ_CAUSAL_LM": "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "SPEECH_SEQ_2_SEQ": "MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES",
}
TABLE = r"^{} = OrderedDict\(\s*(\[.*?^ {{4}}\])"


@functools.cache
def _tables() -> dict[str, Table]:
    """Class name by model_type; empty tables where the library's source has another shape."""
    spec = importlib.util.find_spec("transformers")
    places = (spec.submodule_search_locations if spec else None) or [""]
    file = Path(places[0], "models", "auto", "modeling_auto.py")
    source = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = {
        short: re.search(TABLE.format(name), source, re.MULTILINE | re.DOTALL)
        for short, name in TABLES.items()
    }
    return {short: dict(ast.literal_eval(one[1])) if one else {} for short, one in found.items()}
