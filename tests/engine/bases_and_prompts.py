"""Bases of both families whose answers depend on what they read, each with prompts around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunebook.models.base import Base

LENGTHS = (3, 5, 8, 20)
VOCABULARY = 300
TEXT = "the cat saw a dog in big old mill and one red boat on my lake"
TOKENS = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}


def save_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<pad>", "</s>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    tokenizer.train_from_iterator([TEXT], trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>"
                            ).save_pretrained(folder)  # fmt: skip


def tiny_model(name: str) -> Any:
    import transformers as t

    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "head_dim": 8,
             "num_attention_heads": 4, "num_key_value_heads": 2, "initializer_range": 0.5,
             **TOKENS}  # fmt: skip
    if name == "llama":
        return t.LlamaForCausalLM(t.LlamaConfig(**sizes))
    if name == "gemma2":
        return t.Gemma2ForCausalLM(
            t.Gemma2Config(
                sliding_window=64,
                query_pre_attn_scalar=8,
                tie_word_embeddings=False,
                **{**sizes, "initializer_range": 0.1},
            )
        )
    if name == "gpt2":
        return t.GPT2LMHeadModel(
            t.GPT2Config(n_layer=2, n_embd=32, n_head=4, initializer_range=0.3, **TOKENS)
        )
    return _bart(t)


def _bart(t: Any) -> Any:
    """Positions counted from 0, unlike T5; what the decoder reads of the text is made to count."""
    model = t.BartForConditionalGeneration(
        t.BartConfig(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
                     decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48,
                     init_std=0.3, max_position_embeddings=128, tie_word_embeddings=False,
                     decoder_start_token_id=1, forced_eos_token_id=None, **TOKENS)
    )  # fmt: skip
    for layer in model.model.decoder.layers:
        for part in (layer.encoder_attn.q_proj, layer.encoder_attn.out_proj):
            part.weight.data *= 5
    return model


def soft_prompts(base: Base, lengths: tuple[int, ...] = LENGTHS) -> list[Any]:
    """Soft prompts of these lengths, the same numbers each time: words, and noise around them."""
    import torch
    from peft import PromptTuningConfig, get_peft_model

    kind = "CAUSAL_LM" if base.facts.family == "decoder-only" else "SEQ_2_SEQ_LM"
    made, random = [], torch.Generator().manual_seed(3)
    words = base.model.get_input_embeddings().weight
    for virtual in lengths:
        config = PromptTuningConfig(task_type=kind, num_virtual_tokens=virtual,
                                    num_transformer_submodules=1)  # fmt: skip
        model = get_peft_model(base.model, config)
        ids = torch.randint(3, len(words), (virtual,), generator=random)
        noise = torch.randn(virtual, words.shape[1], generator=random) * words.std()
        model.prompt_encoder["default"].embedding.weight.data.copy_(words[ids] + 0.5 * noise)
        made.append(model.eval())
    return made


def prefix(base: Base, virtual: int) -> Any:
    """A random prefix."""
    import torch
    from peft import PrefixTuningConfig, get_peft_model

    kind = "CAUSAL_LM" if base.facts.family == "decoder-only" else "SEQ_2_SEQ_LM"
    config = PrefixTuningConfig(task_type=kind, num_virtual_tokens=virtual)
    model = get_peft_model(base.model, config)
    weight = model.prompt_encoder["default"].embedding.weight
    generator = torch.Generator().manual_seed(5)
    weight.data.copy_(torch.randn(weight.shape, generator=generator))
    return model.eval()


def sources(base: Base, count: int, prompts: int) -> tuple[list[list[int]], list[int]]:
    """Token ids of `count` texts of 1 to 17 words, and which prompt each one uses."""
    words = TEXT.split()
    texts = [
        " ".join(words[(i * 7 + j * (i % 5 + 1)) % len(words)] for j in range(1 + (i * 5) % 17))
        for i in range(count)
    ]
    return [base.tokenizer(text)["input_ids"] for text in texts], [
        (i * 3 + i // 7) % prompts for i in range(count)
    ]
