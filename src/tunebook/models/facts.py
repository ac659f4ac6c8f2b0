"""What a model is, read from its config.json and headers, without torch: family, sizes, context."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models import hub, weights
from tunebook.models.architectures import Unsuitable, family_of

if TYPE_CHECKING:
    from tunebook.settings.schema import ModelSettings

EMBEDDED = Path(__file__).parent / "embedded"
PREFIX = "tunebook:"
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "*.model", "vocab.*")
CONTENT = ("config.json", "generation_config.json", "tokenizer*", "special_tokens_map.json",
           "added_tokens.json", "vocab.*", "merges.txt", "*.model")  # fmt: skip

# The names that architectures give to the same fact; the first that is there counts.
CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len",
           "max_encoder_position_embeddings", "n_ctx")  # fmt: skip
HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
LAYERS = ("num_hidden_layers", "decoder_layers", "num_decoder_layers", "num_layers", "n_layer",
          "n_layers")  # fmt: skip
HEADS = ("num_attention_heads", "decoder_attention_heads", "num_heads", "n_head", "n_heads")
KEY_HEADS = ("num_key_value_heads", "num_kv_heads", "n_head_kv")


@dataclass(frozen=True)
class ModelFacts:
    """A model before it is loaded. Sizes are None where the config does not give them."""

    path: str
    """as asked for: a folder, a hub name or tunebook:NAME"""
    folder: Path | None
    """where its files are; None for a hub model, whose weights are fetched when a run begins"""
    config: Path
    """its config.json; for a hub model in the cache"""
    family: str
    """encoder-decoder or decoder-only"""
    model_type: str
    architecture: str
    context: int | None
    """how many tokens it can see; None where nothing in it sets a limit (T5)"""
    hidden: int | None
    layers: int | None
    """layers of the decoder"""
    heads: int | None
    kv_heads: int | None
    vocabulary: int | None
    sliding_window: int | None
    """tokens that a local attention layer sees, where there are such layers"""
    quantized: str | None
    """how the stored weights are already quantized"""
    parameters: int | None
    """numbers in the weights files; None for a hub model"""

    @property
    def commit(self) -> str | None:
        """The hub commit, or None for a local model."""
        return hub.commit_of(self.config) if self.folder is None else None


def facts_of(settings: ModelSettings) -> ModelFacts:
    """Read what `settings.path` is. Raises RequestError with every problem found."""
    return _read_facts(settings, *locate(settings))


def facts_at_hand(settings: ModelSettings) -> ModelFacts | None:
    """The same without asking the hub; None for a hub model that is not in the cache."""
    if not _is_on_hub(settings.path):
        return facts_of(settings)
    assert settings.path is not None
    config_file = hub.cached_config(settings.path, settings.revision)
    return _read_facts(settings, None, config_file) if config_file else None


def _read_facts(settings: ModelSettings, folder: Path | None, config_file: Path) -> ModelFacts:
    config = _read_config(config_file)
    family, architecture = _family(config, settings)
    problems = _contradiction(settings, family) + (_folder_problems(folder) if folder else [])
    if problems:
        raise RequestError(problems)
    return ModelFacts(
        path=str(settings.path),
        folder=folder,
        config=config_file,
        family=family,
        model_type=str(config["model_type"]),
        architecture=architecture,
        parameters=weights.parameters_of(folder) if folder else None,
        **_sizes(config),
    )


def locate(settings: ModelSettings) -> tuple[Path | None, Path]:
    """The local folder, or None for a hub model, and the config.json. Raises RequestError."""
    path = settings.path
    if not path:
        raise _wrong("is not set", "Give a local folder or a hub name: model.path=FOLDER_OR_NAME.")
    if path.startswith(PREFIX):
        folder = _embedded(path.removeprefix(PREFIX))
    elif _is_there(Path(path).expanduser()):
        folder = Path(path).expanduser()
    elif _is_on_hub(path):
        return None, hub.config_of(path, settings.revision)
    else:
        raise _wrong(f"there is no folder {path}", _near_folder(Path(path).expanduser()))
    return folder, _local_config(folder)


def _is_on_hub(path: str | None) -> bool:
    """Whether `path` can only be a name on the hub."""
    if not path or path.startswith(PREFIX) or _is_there(Path(path).expanduser()):
        return False
    is_file = path.endswith((".", ".json", ".safetensors"))
    return HUB_NAME.fullmatch(path) is not None and not is_file


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise _wrong(f"{path} cannot be read: {error.strerror}", "Give another folder.") from None


def embedded_names() -> list[str]:
    """The models that come with Tunebook, for `model.path=tunebook:NAME`."""
    return sorted(file.parent.name for file in EMBEDDED.glob("*/config.json"))


def _embedded(name: str) -> Path:
    if name not in embedded_names():
        raise _wrong(f"Tunebook has no model {name!r}", _guess(name, embedded_names()))
    return EMBEDDED / name


def _near_folder(path: Path) -> str:
    around = [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
    guess = _guess(path.name, around)
    return guess if guess.startswith("Did you mean") else "Give a folder, or a hub name ORG/NAME."


def _guess(word: str, choices: list[str]) -> str:

    return did_you_mean(word, choices)


def _local_config(folder: Path) -> Path:
    if folder.is_file():
        raise _wrong(f"{folder} is a file", f"Give the folder of the model: {folder.parent}.")
    if (folder / "config.json").is_file():
        return folder / "config.json"
    for adapter in (folder, folder / "adapter"):
        if (adapter / "adapter_config.json").is_file():
            raise _wrong(f"{folder} is a PEFT adapter, not a model", _base_of(adapter))
    if (folder / "settings.yaml").is_file() and (folder / "status.json").is_file():
        raise _wrong(f"{folder} is a run folder, not a model", "Give the model that it ran on.")
    raise _wrong(
        f"{folder} is no model: it has no config.json", "Give a transformers model folder."
    )


def _base_of(adapter: Path) -> str:
    try:
        config = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8"))
        return f"Its base model is {config['base_model_name_or_path']}: give that."
    except (OSError, ValueError, KeyError, TypeError):
        return "Give the base model that the adapter was trained on."


def _read_config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _wrong(
            f"{file} cannot be read: {error}", "Download or copy the model again."
        ) from None
    if not isinstance(config, dict):
        raise _wrong(f"{file} is no model configuration", "Download or copy the model again.")
    return config


def _family(config: dict[str, Any], settings: ModelSettings) -> tuple[str, str]:
    try:
        return family_of(config)
    except Unsuitable as reason:
        raise _wrong(
            f"{settings.path} {reason}",
            "Choose an encoder-decoder model (T5, BART, ...) or a decoder-only one (GPT-2, Llama, "
            "Qwen, ...) that transformers has built in.",
        ) from None


def _contradiction(settings: ModelSettings, family: str) -> list[Problem]:
    if settings.family in (None, family):
        return []
    what = f"is {settings.family}, but {settings.path} is {family} by its config.json"
    return [Problem("model.family", what, "Leave model.family out: it is read from the model.")]


def _folder_problems(folder: Path) -> list[Problem]:
    problems = weights.problems_of(folder)
    if not any(any(folder.glob(pattern)) for pattern in TOKENIZER):
        remedy = "Copy tokenizer.json and tokenizer_config.json into it."
        problems.append(Problem("model.path", f"{folder} has no tokenizer", remedy))
    return problems


def _sizes(config: dict[str, Any]) -> dict[str, Any]:
    text = _text_part(config)
    heads = _number(text, HEADS)
    return {
        "context": None if "relative_attention_num_buckets" in text else _number(text, CONTEXT),
        "hidden": _number(text, HIDDEN),
        "layers": _number(text, LAYERS),
        "heads": heads,
        "kv_heads": 1 if text.get("multi_query") is True else _number(text, KEY_HEADS) or heads,
        "vocabulary": _number(text, ("vocab_size",)) or _number(config, ("vocab_size",)),
        "sliding_window": _sliding_window(text),
        "quantized": _quantized(config),
    }


def _text_part(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a composed configuration that describes the text decoder (Gemma 3, T5Gemma)."""
    for key in ("text_config", "decoder"):
        if isinstance(config.get(key), dict):
            return config[key]
    return config


def _number(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    values = (config.get(name) for name in names)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool)), None)


def _sliding_window(config: Mapping[str, Any]) -> int | None:
    window = _number(config, ("sliding_window", "attention_window", "window_size"))
    local = config.get("layer_types")
    if isinstance(local, list) and "sliding_attention" not in local:
        return None
    return window if config.get("use_sliding_window", True) else None


def _quantized(config: Mapping[str, Any]) -> str | None:
    how = config.get("quantization_config")
    return str(how.get("quant_method", "unknown")) if isinstance(how, dict) else None


def content_of(settings: ModelSettings, facts: ModelFacts | None = None) -> str:
    """What the model is, for a run's fingerprint: the same text for the same weights and tokenizer.

    A local model: a hash of config and tokenizer files and of sampled weights, wherever it lies.
    A hub model: name and commit.
    """
    facts = facts or facts_of(settings)
    if facts.folder is None:
        return f"{facts.path}@{facts.commit}"
    digest = hashlib.sha256()
    for file in _content_files(facts.folder):
        digest.update(f"{file.name} {file.stat().st_size} ".encode() + file.read_bytes())
    digest.update(weights.hash_weights(facts.folder))
    return digest.hexdigest()


def _content_files(folder: Path) -> list[Path]:
    found = {file for pattern in CONTENT for file in folder.glob(pattern) if file.is_file()}
    return sorted(found)


def _wrong(what: str, remedy: str) -> RequestError:
    return RequestError(Problem("model.path", what, remedy))
