"""Bases of both families, loaded once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.bases_and_prompts import save_tokenizer, tiny_model
from tunebook.models.base import Base

EMBEDDED = {"t5": "tunebook:tiny_t5", "tiny_llama": "tunebook:tiny_llama"}


@pytest.fixture(scope="session")
def base_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Base]:
    """llama (grouped queries), gpt2, gemma2 (a sliding window), bart; pretrained t5, tiny_llama."""
    import torch

    from tunebook.engine import load
    from tunebook.models.facts import facts_of
    from tunebook.schema import ModelSettings

    made: dict[str, Base] = {}

    def folder_of(name: str) -> str:
        folder = tmp_path_factory.mktemp("bases") / name
        torch.manual_seed(0)
        tiny_model(name).save_pretrained(folder)
        save_tokenizer(folder)
        return str(folder)

    def base_of(name: str) -> Base:
        if name not in made:
            path = EMBEDDED.get(name) or folder_of(name)
            settings = ModelSettings(name=name, path=path, device="cpu", dtype="float32")
            made[name] = load(settings, facts_of(settings), lambda line: None)
        return made[name]

    return base_of
