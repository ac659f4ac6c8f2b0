"""The bases in the package: small enough, loadable, lossless, and really pretrained."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
import torch
import yaml
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from tunebook.data.village import TASKS, rows
from tunebook.pretraining.batches import collated, encoded
from tunebook.pretraining.loop import batch_loss
from tunebook.pretraining.mixture import VERSION, skill
from tunebook.pretraining.settings import DEFAULTS, PretrainingSettings

EMBEDDED = Path(__file__).resolve().parents[2] / "src" / "tunebook" / "models" / "embedded"
FILES = ("model.safetensors", "config.json", "generation_config.json", "tokenizer.json",
         "tokenizer_config.json", "README.md", "settings.yaml", "training_log.jsonl")  # fmt: skip


@pytest.fixture(params=sorted(DEFAULTS))
def folder(request: pytest.FixtureRequest) -> Path:
    return EMBEDDED / request.param


def settings_of(folder: Path) -> PretrainingSettings:
    content = yaml.safe_load((folder / "settings.yaml").read_text())
    assert content.pop("mixture") == VERSION
    return PretrainingSettings(**content)


def test_a_folder_is_complete_and_below_ten_megabytes(folder: Path) -> None:
    assert {file.name for file in folder.iterdir()} == set(FILES)
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10_000_000


def test_the_tokenizer_loses_nothing_of_the_village_or_of_other_scripts(folder: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = [
        str(value) for task in TASKS for row in rows(task, "test", 30) for value in row.values()
    ]
    for text in [*texts, "漢字 🎉 \n\t ß", " Zoë’s «œuvre» "]:
        assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) == text


def test_every_name_is_one_token(folder: Path) -> None:
    from tunebook.data.village import lexicon

    tokenizer = AutoTokenizer.from_pretrained(folder)
    for name in lexicon.WOMEN + lexicon.MEN:
        assert len(tokenizer(name, add_special_tokens=False).input_ids) == 1, name


def test_the_base_has_learned_its_mixture(folder: Path) -> None:
    """An untrained model of this vocabulary scores ln(3072) = 8.0."""
    settings = settings_of(folder)
    family = AutoModelForSeq2SeqLM if settings.encoder_decoder else AutoModelForCausalLM
    model = family.from_pretrained(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rng = Random("held out")
    examples = [skill(rng, bare=index % 4 == 0) for index in range(32)]
    batch = collated(
        [encoded(example, tokenizer, settings.encoder_decoder, rng) for example in examples],
        settings,
        learn_source=False,
    )
    torch.manual_seed(0)
    with torch.no_grad():
        assert batch_loss(model, batch, settings).item() < 1.2
