"""Shapes of models to measure with random weights: speed depends on nothing else.

`bench6x384` is the shape of the figures in docs/speed.md; the tiny ones are for tests. The others
are the config.json of huggingface.co/HuggingFaceTB/SmolLM2-135M, Qwen/Qwen3-0.6B-Base,
meta-llama/Llama-3.2-1B, openai-community/gpt2 and google-t5/t5-small.
"""

from __future__ import annotations

from typing import Any

SHAPES: dict[str, dict[str, Any]] = {
    "bench6x384": {
        "model_type": "llama", "vocab_size": 8000, "hidden_size": 384, "intermediate_size": 1024,
        "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 6,
        "max_position_embeddings": 2048, "tie_word_embeddings": True,
    },
    "tiny_llama": {
        "model_type": "llama", "vocab_size": 200, "hidden_size": 32, "intermediate_size": 64,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "max_position_embeddings": 512, "tie_word_embeddings": True,
    },
    "tiny_t5": {
        "model_type": "t5", "vocab_size": 200, "d_model": 32, "d_kv": 8, "d_ff": 64,
        "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0,
    },
    "smollm2_135m": {
        "model_type": "llama", "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536,
        "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
        "max_position_embeddings": 8192, "tie_word_embeddings": True,
    },
    "qwen3_0_6b": {
        "model_type": "qwen3", "vocab_size": 151936, "hidden_size": 1024,
        "intermediate_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 16,
        "num_key_value_heads": 8, "head_dim": 128, "max_position_embeddings": 32768,
        "tie_word_embeddings": True,
    },
    "llama_3_2_1b": {
        "model_type": "llama", "vocab_size": 128256, "hidden_size": 2048,
        "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
        "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131072,
        "tie_word_embeddings": True,
    },
    "gpt2": {
        "model_type": "gpt2", "vocab_size": 50257, "n_embd": 768, "n_layer": 12, "n_head": 12,
        "n_positions": 1024, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    },
    "t5_small": {
        "model_type": "t5", "vocab_size": 32128, "d_model": 512, "d_kv": 64, "d_ff": 2048,
        "num_layers": 6, "num_heads": 8, "dropout_rate": 0.0,
    },
}  # fmt: skip
"""Dropout is off everywhere, so that both sides compute the same loss."""
