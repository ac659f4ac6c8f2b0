"""A method of PEFT's that needs nothing special is one YAML, and no Python."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import tunebook
from recipes import compose
from tunebook.errors import RequestError

WORDS = (
    "task=summarize",
    "data.limit.train=24",
    "data.limit.validation=4",
    "data.limit.test=4",
    "decoding.max_new_tokens=4",
    "training.batch_size=4",
    "training.max_steps=3",
)
BASES = ("tiny_t5", "tiny_llama")
OTHERS = ("LN_TUNING", "VERA", "LOHA", "LOKR", "OFT", "BOFT", "HRA", "MISS", "ROAD", "SHIRA")


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder conf of one's own with the method `mine`."""
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "conf" / "method" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text("name: mine\nkind: peft\npeft_type: IA3\nby_family:\n"
                    "  encoder-decoder: {training.learning_rate: 0.01}\n"
                    "  decoder-only: {training.learning_rate: 0.01}\n")  # fmt: skip
    return [*WORDS, "method=mine"]


def check_run(words: list[str]) -> None:
    """It trains what it should, and leaves an adapter that answers as the run did."""
    from tests.end_to_end.test_matrix import reloaded_texts

    result = tunebook.run(compose(*words), lambda _: None)
    counts = result.metrics["parameters"]
    assert 0 < counts["trainable"] < counts["total"]
    weights = load_file(result.folder / "adapter" / "adapter_model.safetensors")
    assert all(torch.isfinite(one).all() for one in weights.values())
    rows = [json.loads(line) for line in (result.folder / "predictions.jsonl").open()]
    texts = reloaded_texts(result.folder, [row["prompt"] for row in rows])
    assert texts == [row["after"] for row in rows]


@pytest.mark.parametrize("base", BASES)
def test_one_file_makes_a_method(words: list[str], base: str) -> None:
    check_run([*words, f"model={base}"])


@pytest.mark.slow
@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", OTHERS)
def test_others_do_too(words: list[str], name: str, base: str) -> None:
    check_run([*words, f"model={base}", f"method.peft_type={name}"])


@pytest.mark.parametrize(("more", "told"), [
    (["method.peft_type=IA4"], "method.peft_type: the installed peft has no method 'IA4'. Did you"),
    (["method.peft_type=PREFIX_TUNING"], "does not change layers, but stands in front of them"),
    (["method.peft_type=ADALORA"], "ADALORA has to be told of every step of the training"),
    (["method.peft.target_module=[q]"], "has no such option. Did you mean target_modules?"),
    (["method.peft.peft_type=LORA"], "is set by Tunebook"),
    (["method.peft.target_modules=[nosuch]"], "PEFT refuses these options: Target modules"),
])  # fmt: skip
def test_what_peft_refuses_is_told(words: list[str], more: list[str], told: str) -> None:
    with pytest.raises(RequestError) as error:
        tunebook.run(compose(*words, *more), lambda _: None)
    assert told in str(error.value)
