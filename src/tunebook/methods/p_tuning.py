"""P-tuning: a soft prompt that a small network writes (Liu et al. 2021, arXiv 2103.10385).

The network is trained and thrown away: what it writes at the end is a soft prompt as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunebook.methods.method import SoftPrompt
from tunebook.typed import setting


@dataclass
class PTuning(SoftPrompt):
    """How many vectors, and the network that writes them; PEFT draws both at random."""

    num_virtual_tokens: int = setting(20, "learned vectors in front of the input", at_least=1)
    encoder_reparameterization_type: str = setting(
        "MLP", "network that writes the vectors", choices=("MLP", "LSTM")
    )
    encoder_hidden_size: int | None = setting(
        None, "its inner width; null: that of the model's embeddings", at_least=1
    )
    peft: dict[str, Any] = setting({}, "any other option of peft.PromptEncoderConfig")

    peft_name = "P_TUNING"
    grows_with = ("num_virtual_tokens", "encoder_hidden_size")
