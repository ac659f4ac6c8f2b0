"""Tiny random models of any text family of transformers, each with a byte-level tokenizer.

    folder = save(tmp_path / "gemma2", "gemma2")
    folder = save(tmp_path / "t5", "t5", end=True, d_kv=16)

Their sizes are in small_models.yaml. Weights are drawn large, so that what a model answers depends
on what it reads; windows are 8 wide.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

SIZES: dict[str, dict[str, dict[str, Any]]] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
)
DECODER_ONLY = tuple(SIZES["decoder-only"])
ENCODER_DECODER = tuple(SIZES["encoder-decoder"])
VOCABULARY = 320
WINDOW = 8
TEXT = ("the cat saw a dog in big old mill and one red boat on my lake", "She sells apples.")
MARKS = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}
TOKENS = {"pad_token_id": 0, "eos_token_id": 1, "bos_token_id": 2}


def model_of(family: str, **changes: Any) -> Any:
    """A random model of a transformers model_type; `changes` go to its configuration."""
    import torch
    import transformers
    from transformers.models.auto import modeling_auto as auto

    torch.manual_seed(0)
    config_class = transformers.CONFIG_MAPPING[family]
    config = config_class(**TOKENS | _sizes_of(family, config_class) | changes)
    if family in ENCODER_DECODER:
        name = auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES[family]
    else:
        name = auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[family]
    return getattr(transformers, name)(config).eval()


def _sizes_of(family: str, config_class: Any) -> dict[str, Any]:
    common = SIZES["shared"]["sizes"]
    if family == "t5gemma":
        half = common | TOKENS | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8}
        return {"encoder": half, "decoder": half, "vocab_size": VOCABULARY}
    if family in ENCODER_DECODER:
        return SIZES["encoder-decoder"][family]
    if isinstance(getattr(config_class, "head_dim", None), property):
        common = {name: size for name, size in common.items() if name != "head_dim"}
    if not hasattr(config_class(), "num_key_value_heads"):  # PEFT would believe it
        common = {name: size for name, size in common.items() if name != "num_key_value_heads"}
    return common | SIZES["decoder-only"].get(family, {})


def save_model(folder: Path, family: str, **changes: Any) -> Path:
    """The model alone, as save_pretrained writes it."""
    model_of(family, **changes).save_pretrained(folder)
    return folder


def save_tokenizer(
    folder: Path,
    *,
    end: bool = False,
    begin: bool = False,
    special: Sequence[str] = (),
    languages: Sequence[str] = (),
    named: Sequence[str] = tuple(MARKS),
    size: int = VOCABULARY,
) -> Path:
    """A byte-level tokenizer: <pad> 0, </s> 1, <s> 2, <unk> 3, then `special` and `languages`.

    It adds </s> where `end`, <s> where `begin`; only those of `named` have their part.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[*MARKS.values(), *special, *languages],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    if end or begin:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=["<s>"] * begin + ["$A"] + ["</s>"] * end,
            special_tokens=[("</s>", 1), ("<s>", 2)],
        )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        extra_special_tokens=[*special, *languages],
        **{name: MARKS[name] for name in named},
    ).save_pretrained(folder)
    return folder


def save(
    folder: Path,
    family: str,
    *,
    end: bool | None = None,
    begin: bool = False,
    special: Sequence[str] = (),
    languages: Sequence[str] = (),
    **changes: Any,
) -> Path:
    """Model and tokenizer; an encoder-decoder's tokenizer adds the end token unless told not to."""
    save_model(folder, family, **changes)
    end = family in ENCODER_DECODER if end is None else end
    return save_tokenizer(folder, end=end, begin=begin, special=special, languages=languages)
