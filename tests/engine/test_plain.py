"""What is left out is said, and changes no text."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.bases_and_prompts import soft_prompts, sources
from tunebook.engine import generate, share
from tunebook.models.base import Base
from tunebook.schema import DecodingSettings

SAID = {
    "attention": "copied for each row (TUNEBOOK_PLAIN=attention)",
    "prompt": "computed for every row (TUNEBOOK_PLAIN=prompt)",
    "greedy": "transformers' generate, 4 rows at once (TUNEBOOK_PLAIN=greedy)",
}


@pytest.mark.parametrize("change", SAID)
def test_a_change_that_is_left_out(
    change: str, base_of: Callable[[str], Base], monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_of("llama")
    ids, _ = sources(base, 8, 1)
    decoding = DecodingSettings(max_new_tokens=6, batch_size=4)

    def texts() -> tuple[list[str], str]:
        base.model.config._attn_implementation = "sdpa"
        (model,) = soft_prompts(base, (5,))
        said = [share(model)]
        return generate(model, base, ids, decoding, say=said.append), " ".join(said)

    wanted, said = texts()
    assert SAID[change] not in said
    monkeypatch.setenv("TUNEBOOK_PLAIN", change)
    found, said = texts()
    assert SAID[change] in said
    assert found == wanted
