"""Text from a model: batched, in the order it was asked for, and the same as one at a time."""

from tunebook.engine.generate import (
    check_decoding,
    generate,
    generation_config,
    padding_matters,
    text_of,
)

__all__ = ["check_decoding", "generate", "generation_config", "padding_matters", "text_of"]
