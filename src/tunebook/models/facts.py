"""What a model is, read from its config.json and headers, without torch: family, sizes, context."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook.documents import BrokenDocument, read_bytes, read_json
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models import hub, weights
from tunebook.models.architectures import Unsuitable, family_of

if TYPE_CHECKING:
    from tunebook.schema import ModelSettings

EMBEDDED = Path(__file__).parent / "embedded"
PREFIX = "tunebook:"
HUB_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?")
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "*.model", "vocab.*")
DOCUMENTS = ("generation_config.json", "tokenizer_config.json", "special_tokens_map.json",
             "added_tokens.json")  # fmt: skip
"""JSON with keys, small enough to be looked at; transformers passes over a broken one silently."""
NO_CONTENT = ("README", "LICENSE", "LICENCE", "NOTICE")

# The names that architectures give to the same fact; the first that is there counts.
CONTEXT = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len",
           "max_encoder_position_embeddings", "n_ctx")  # fmt: skip
HIDDEN = ("hidden_size", "d_model", "n_embd", "dim")
LAYERS = ("num_hidden_layers", "decoder_layers", "num_decoder_layers", "num_layers", "n_layer",
          "n_layers")  # fmt: skip
HEADS = ("num_attention_heads", "decoder_attention_heads", "num_heads", "n_head", "n_heads")
COUNTS = re.compile(r"(^|_)(layers?|blocks|experts)$")
MOST = 10_000
"""Layers, blocks or experts of any model; each would be built before the first weight is read."""
SIZES = {*HIDDEN, *LAYERS, *HEADS, "head_dim", "vocab_size"}
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
    decoder_context: int | None
    """how many the decoder of an encoder-decoder can see"""
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
    problems = _contradiction(settings, family) + _config_problems(config, config_file)
    if problems := problems + (_folder_problems(folder, config) if folder else []):
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
        raise _wrong(f"Tunebook has no model {name!r}", did_you_mean(name, embedded_names()))
    return EMBEDDED / name


def _near_folder(path: Path) -> str:
    around = [p.name for p in path.parent.iterdir() if p.is_dir()] if path.parent.is_dir() else []
    guess = did_you_mean(path.name, around)
    return guess if guess.startswith("Did you mean") else "Give a folder, or a hub name ORG/NAME."


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
        config = read_json(adapter / "adapter_config.json", dict)
        return f"Its base model is {config['base_model_name_or_path']}: give that."
    except (BrokenDocument, KeyError):
        return "Give the base model that the adapter was trained on."


def _read_config(file: Path) -> dict[str, Any]:
    try:
        return read_json(file, dict)
    except BrokenDocument as broken:
        raise RequestError(_broken(broken)) from None


def _broken(broken: BrokenDocument) -> Problem:
    return Problem("model.path", f"{broken.problem.where} {broken.problem.what}", weights.AGAIN)


def _config_problems(config: dict[str, Any], file: Path) -> list[Problem]:
    """What transformers would try all the same: to build millions of layers, or read other weights
    than those that are looked at here."""
    found = [
        f"{file} speaks of {value:,} {key}, more than the {MOST:,} of any model"
        for key, value in _entries(config)
        if COUNTS.search(key) and isinstance(value, int) and value > MOST
    ]
    found += [
        f"{file} says {key}={value}, of which no model can be made"
        for key, value in _entries(config)
        if value != value or (key in SIZES and isinstance(value, int) and value < 1)
    ]
    if "transformers_weights" in config:
        found.append(
            f"{file} names weights of its own (transformers_weights), not {weights.SINGLE}"
        )
    return [Problem("model.path", what, weights.AGAIN) for what in found]


def _entries(config: Any) -> Iterator[tuple[str, Any]]:
    """Each key with its value, those of parts included."""
    for key, value in config.items() if isinstance(config, dict) else ():
        yield key, value
        yield from _entries(value)


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


def _folder_problems(folder: Path, config: dict[str, Any]) -> list[Problem]:
    problems = weights.problems_of(folder) or _lacking_layers(folder, config)
    if not any(any(folder.glob(pattern)) for pattern in TOKENIZER):
        remedy = "Copy tokenizer.json and tokenizer_config.json into it."
        problems.append(Problem("model.path", f"{folder} has no tokenizer", remedy))
    for name in DOCUMENTS:
        try:
            if (folder / name).is_file():
                read_json(folder / name, dict)
        except BrokenDocument as broken:
            problems.append(_broken(broken))
    return problems


def _lacking_layers(folder: Path, config: dict[str, Any]) -> list[Problem]:
    layers = _number(_text_part(config), LAYERS) or 0
    tensors = sum(len(weights.header_of(file)) for file in weights.files_of(folder))
    if layers <= tensors or layers > MOST:
        return []
    what = (
        f"config.json of {folder} speaks of {layers:,} layers, the weights have {tensors} tensors"
    )
    return [Problem("model.path", what, weights.AGAIN)]


def _sizes(config: dict[str, Any]) -> dict[str, Any]:
    text = _text_part(config)
    heads = _number(text, HEADS)
    return {
        "context": None if "relative_attention_num_buckets" in text else _number(text, CONTEXT),
        "decoder_context": _decoder_context(text),
        "hidden": _number(text, HIDDEN),
        "layers": _number(text, LAYERS),
        "heads": heads,
        "kv_heads": 1 if text.get("multi_query") is True else _number(text, KEY_HEADS) or heads,
        "vocabulary": _number(text, ("vocab_size",)) or _number(config, ("vocab_size",)),
        "sliding_window": _sliding_window(text),
        "quantized": _quantized(config),
    }


def _decoder_context(text: dict[str, Any]) -> int | None:
    if "relative_attention_num_buckets" in text:
        return None
    return _number(text, ("max_decoder_position_embeddings", *CONTEXT))


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
        content = read_bytes(file)
        digest.update(f"{file.name} {len(content)} ".encode() + content)
    digest.update(weights.hash_weights(facts.folder))
    return digest.hexdigest()


def _content_files(folder: Path) -> list[Path]:
    """Whatever a model or tokenizer of transformers may read besides weights."""
    found = {file for pattern in (*hub.DOCUMENTS, "additional_chat_templates/*.jinja")
             for file in folder.glob(pattern)}  # fmt: skip
    others = (one for one in found if not one.name.upper().startswith(NO_CONTENT))
    return sorted(file for file in others if file.is_file())


def _wrong(what: str, remedy: str) -> RequestError:
    return RequestError(Problem("model.path", what, remedy))
