"""The tokenizer of the embedded bases: byte-level BPE, so that no text loses a character.

Every text is read as if a space stood before it, and decoding takes that space away again: a word
has the same token at the start of a text as within it. All 256 bytes are in the alphabet.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tunebook.pretraining.mixture import draw, skill

PAD, END, BEGIN = "<|pad|>", "<|end|>", "<|begin|>"
SENTINELS = 32


def train(size: int, encoder_decoder: bool, count: int = 40_000) -> Tokenizer:
    """Train on `count` examples of the pretraining mixture; `size` includes special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.Prepend(" ")
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), decoders.Strip(" ", 1, 0)])
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=specials(encoder_decoder),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(islice(_texts(), count), trainer)
    if encoder_decoder:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"$A {END}",
            pair=f"$A {END} $B {END}",
            special_tokens=[(END, tokenizer.token_to_id(END))],
        )
    return tokenizer


def specials(encoder_decoder: bool) -> list[str]:
    """Padding is 0 and the end 1; T5 has sentinels, Llama a begin mark that nothing adds."""
    if encoder_decoder:
        return [PAD, END, *(sentinel(index) for index in range(SENTINELS))]
    return [PAD, END, BEGIN]


def sentinel(index: int) -> str:
    return f"<|hole{index}|>"


def _texts() -> Iterator[str]:
    rng = Random("vocabulary")
    while True:
        example = draw(rng, rng.random())
        yield example.source
        yield example.target or ""
        yield skill(rng, bare=False, task="translate").target or ""


def save(tokenizer: Tokenizer, folder: Path, encoder_decoder: bool) -> None:
    """Write the files that AutoTokenizer.from_pretrained(folder) reads without a network."""
    from transformers import PreTrainedTokenizerFast

    names: dict[str, object] = {"pad_token": PAD, "eos_token": END}
    if encoder_decoder:
        names["additional_special_tokens"] = [sentinel(index) for index in range(SENTINELS)]
    else:
        names["bos_token"] = BEGIN
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        clean_up_tokenization_spaces=False,
        model_max_length=512,
        padding_side="right" if encoder_decoder else "left",
        **names,
    )
    fast.save_pretrained(folder)
