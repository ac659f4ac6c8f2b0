"""Text from a model: batched, in the order it was asked for, and the same as one at a time."""

from tunebook.decoding.generate import generate, generation_config, text_of

__all__ = ["generate", "generation_config", "text_of"]
