"""Loading the frozen base model and its tokenizer; each automatic choice is said with a reason."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook.errors import Problem, RequestError
from tunebook.models import hub, weights
from tunebook.models.architectures import ENCODER_DECODER
from tunebook.models.device import choose_device, choose_dtype, placement
from tunebook.models.facts import ModelFacts

if TYPE_CHECKING:
    from tunebook.models.special_tokens import SpecialTokens
    from tunebook.schema import ModelSettings

Say = Callable[[str], None]
# Everything is on the disk by now: without this, transformers asks the hub all the same.
FROM_DISK = {"local_files_only": True, "trust_remote_code": False}
# Flex attention has no backward pass on a CPU (torch 2.13 says so when it gets there).
ON_CUDA_ONLY = ("flash_attention_2", "flex_attention")


@dataclass
class Base:
    """A loaded base model: frozen, in evaluation mode, on its device."""

    model: Any
    tokenizer: Any
    facts: ModelFacts
    device: str
    """with its number for CUDA: cuda:0"""
    dtype: str
    matmul: str = "torch"
    """what multiplies its matrices: torch's own choice, or onednn"""
    special: SpecialTokens | None = None
    """which special tokens stand where for the task at hand; see tunebook.models.special_tokens"""


def load(settings: ModelSettings, facts: ModelFacts, say: Say) -> Base:
    """Load model and tokenizer as they are stored; tunebook.engine makes them quick.

    Raises RequestError where they cannot be loaded whole.
    """
    if problems := check(settings, facts):
        raise RequestError(problems)
    device, dtype = _choose(settings, say)
    folder = facts.folder or _fetched(facts, say)
    with quiet_library(say):
        config = _load_config(folder, facts)
        tokenizer = _load_tokenizer(folder, facts)
        model = _load_model(settings, facts, folder, config, device, dtype, say)
    why = "as asked" if settings.attention else "the model's default"
    say(f"attention {model.config._attn_implementation} ({why})")
    _give_pad_token(model, tokenizer, say)
    _stop_at_end_token(model, tokenizer)
    _note_sizes(model, tokenizer, say)
    model.requires_grad_(False).eval()
    return Base(model, tokenizer, facts, placement(device), dtype)


def check(settings: ModelSettings, facts: ModelFacts) -> list[Problem]:
    """What this machine cannot do of what `settings` ask, before anything heavy is loaded.

    Imports torch only where a device, a format, quantization or a CUDA attention is asked for.
    """
    if not _needs_a_look_at_the_machine(settings):
        return []
    try:
        device, _ = choose_device(settings)
        choose_dtype(settings, device)
    except RequestError as error:
        return error.problems
    return _quantization_problems(settings, facts, device) + _attention_problems(settings, device)


def _needs_a_look_at_the_machine(settings: ModelSettings) -> bool:
    return (
        settings.device in ("cuda", "mps")
        or settings.dtype == "bfloat16"
        or settings.quantization != "none"
        or settings.attention in ON_CUDA_ONLY
    )


def _quantization_problems(
    settings: ModelSettings, facts: ModelFacts, device: str
) -> list[Problem]:
    bits, wrong = settings.quantization, []
    if bits == "none":
        return []
    if device != "cuda":
        wrong.append(f"{bits} needs a CUDA card; this run is on {device}")
    if importlib.util.find_spec("bitsandbytes") is None:
        wrong.append(f"{bits} needs bitsandbytes, which is not installed (tunebook[quantization])")
    if facts.quantized:
        wrong.append(f"{facts.path} is already quantized ({facts.quantized})")
    return [Problem("model.quantization", what, "Use model.quantization=none.") for what in wrong]


def _attention_problems(settings: ModelSettings, device: str) -> list[Problem]:
    asked, wrong = settings.attention, None
    if asked not in ON_CUDA_ONLY:
        return []
    if device != "cuda":
        wrong = f"needs a CUDA card; this run is on {device}"
    elif asked == "flash_attention_2" and importlib.util.find_spec("flash_attn") is None:
        wrong = "needs the package flash-attn, which is not installed"
    elif asked == "flash_attention_2" and choose_dtype(settings, device)[0] == "float32":
        wrong = "does not compute in float32"
    return [Problem("model.attention", f"{asked} {wrong}", "Use sdpa.")] if wrong else []


def enable_checkpointing(model: Any) -> None:
    """Compute activations again in the backward pass instead of keeping them; call before wrapping.

    Raises RequestError where the model cannot.
    """
    if not model.supports_gradient_checkpointing:
        name = type(model).__name__
        remedy = "Use model.gradient_checkpointing=false."
        raise RequestError(Problem("model.gradient_checkpointing", f"{name} has none", remedy))
    enable = getattr(model, "activation_checkpointing_enable", model.gradient_checkpointing_enable)
    enable({"use_reentrant": False})
    model.enable_input_require_grads()


def _choose(settings: ModelSettings, say: Say) -> tuple[str, str]:
    device, reason = choose_device(settings)
    say(f"device {device} ({reason})")
    dtype, reason = choose_dtype(settings, device)
    say(f"dtype {dtype} ({reason})")
    return device, dtype


def _fetched(facts: ModelFacts, say: Say) -> Path:
    folder = hub.fetch(facts.path, facts.config, say)
    if problems := weights.problems_of(folder):
        raise RequestError(problems)
    return folder


def _load_config(folder: Path, facts: ModelFacts) -> Any:
    """The configuration, without a pad token beyond its vocabulary: no model is built with one."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, **FROM_DISK)
        text = config.get_text_config(decoder=True)
        pad, words = (getattr(text, name, None) for name in ("pad_token_id", "vocab_size"))
        if pad is not None and words is not None and pad >= words:
            text.pad_token_id = None
    except Exception as error:
        raise _cannot_load(f"config.json of {facts.path}", error) from error
    return config


def _load_tokenizer(folder: Path, facts: ModelFacts) -> Any:
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **FROM_DISK)
    except Exception as error:
        raise _cannot_load(f"the tokenizer of {facts.path}", error) from error
    if tokenizer.eos_token is None:
        what = f"the tokenizer of {facts.path} has no end token"
        raise RequestError(Problem("model.path", what, "Set eos_token in tokenizer_config.json."))
    return tokenizer


def _load_model(
    settings: ModelSettings, facts: ModelFacts, folder: Path, config: Any, device: str, dtype: str,
    say: Say,
) -> Any:  # fmt: skip
    import transformers

    seq2seq = facts.family == ENCODER_DECODER
    auto: Any = transformers.AutoModelForSeq2SeqLM if seq2seq else transformers.AutoModelForCausalLM
    options = _options(settings, device, dtype)
    try:
        model, report = auto.from_pretrained(
            folder, config=config, output_loading_info=True, **options
        )
    except Exception as error:
        raise _cannot_load(facts.path, error, settings.attention) from error
    _refuse_random_weights(report["missing_keys"], facts)
    if unused := sorted(report["unexpected_keys"]):
        say(f"{len(unused)} tensors of {facts.path} are not used: {_some(unused)}")
    return model if settings.quantization != "none" else model.to(placement(device))


def _options(settings: ModelSettings, device: str, dtype: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "dtype": dtype,
        "use_safetensors": True,
        **FROM_DISK,
    }
    if settings.attention:
        options["attn_implementation"] = settings.attention
    if settings.quantization != "none":
        options["quantization_config"] = _quantization(settings.quantization, dtype)
        options["device_map"] = {"": placement(device)}
    return options


def _quantization(kind: str, dtype: str) -> Any:
    """8 bits: Dettmers et al. 2022 (LLM.int8()). 4 bits: Dettmers et al. 2023 (QLoRA), NF4."""
    from transformers import BitsAndBytesConfig

    if kind == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


def _refuse_random_weights(missing: Any, facts: ModelFacts) -> None:
    if names := sorted(missing):
        what = f"{facts.path} lacks {len(names)} tensors of {facts.architecture}: {_some(names)}"
        remedy = "They would start random; give a whole pretrained model."
        raise RequestError(Problem("model.path", what, remedy))


OTHER_SIZES = "ignore_mismatched_sizes"
"""Of the advice that transformers gives where tensors do not fit; its report is not shown."""


def _cannot_load(what: str, error: Exception, attention: str | None = None) -> RequestError:
    reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    if OTHER_SIZES in reason:
        reason = "its weights have other sizes than its config.json says"
    if attention and any(word in str(error).lower() for word in ("attention", "attn")):
        remedy = "Leave model.attention out to take the model's default."
        return RequestError(Problem("model.attention", f"{attention}: {reason}", remedy))
    if type(error).__name__ == "OutOfMemoryError":
        remedy = "Use model.quantization=4bit, model.dtype=bfloat16, or a smaller model."
        return RequestError(Problem("model.path", f"{what} does not fit the device", remedy))
    remedy = "Check the folder with transformers' AutoModel, or download the model again."
    return RequestError(Problem("model.path", f"{what} cannot be loaded ({reason})", remedy))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _give_pad_token(model: Any, tokenizer: Any, say: Say) -> None:
    """Let a tokenizer pad with its end token where it has no pad token, or the model none for it.

    Safe only where padding is known from lengths and attention masks: a batch must never tell
    padding by comparing ids, or it would take each target's end token for padding.
    """
    rows = len(model.get_input_embeddings().weight)
    if tokenizer.eos_token_id >= rows:
        what = f"the end token {tokenizer.eos_token} is number {tokenizer.eos_token_id} of {rows}"
        remedy = "Name one that the model knows in tokenizer_config.json, or resize its embeddings."
        raise RequestError(Problem("model.path", what, remedy))
    if tokenizer.pad_token is None or tokenizer.pad_token_id >= rows:
        has = "there is none" if tokenizer.pad_token is None else "the model has no vector for it"
        tokenizer.pad_token = tokenizer.eos_token
        say(f"pad token {tokenizer.pad_token} ({has}: the end token, always masked)")
    for config in (model.config, model.generation_config):
        config.pad_token_id = tokenizer.pad_token_id


def _stop_at_end_token(model: Any, tokenizer: Any) -> None:
    """Training ends each target with the tokenizer's end token: generation must stop at it too."""
    stops = model.generation_config.eos_token_id
    stops = [] if stops is None else list(stops) if isinstance(stops, list) else [stops]
    if any(not isinstance(one, int) for one in stops):
        what = f"eos_token_id is {stops} in its generation_config.json, which are no token ids"
        raise RequestError(Problem("model.path", what, "Correct it, or take that file out."))
    if tokenizer.eos_token_id not in stops:
        stops.append(tokenizer.eos_token_id)
    model.generation_config.eos_token_id = stops[0] if len(stops) == 1 else stops


def _note_sizes(model: Any, tokenizer: Any, say: Say) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    if len(tokenizer) > rows:
        say(f"the tokenizer knows {len(tokenizer)} tokens, the model only {rows}")


@contextmanager
def quiet_library(say: Say) -> Iterator[None]:
    """No progress bars and no load report from transformers; its other warnings go to `say`."""
    from transformers.utils import logging as library

    root, kept, bars = logging.getLogger("transformers"), _Kept(), library.is_progress_bar_enabled()
    handlers, root.handlers = root.handlers, [kept]
    library.disable_progress_bar()
    try:
        yield
    finally:
        root.handlers = handlers
        if bars:
            library.enable_progress_bar()
        for message in kept.messages:
            say(f"transformers: {message}")


# The load report is read, not shown; an output layer of its own (T5 1.1, mT5) is kept as stored.
KNOWN = ("LOAD REPORT", "we will NOT tie them")


class _Kept(logging.Handler):
    """Collects each warning once, but for those that need no telling."""

    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        told = any(known in message for known in KNOWN)
        if not told and message not in self.messages:
            self.messages.append(message)
