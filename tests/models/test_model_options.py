"""The models in conf/model: each reads as settings, and says what it is in its first line."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tunebook.models.facts import HUB_NAME, PREFIX, facts_of
from tunebook.schema import ModelSettings
from tunebook.typed import read

FILES = sorted((Path(__file__).parents[2] / "conf" / "model").glob("*.yaml"))


def settings_in(file):
    problems = []
    settings = read(ModelSettings, yaml.safe_load(file.read_text()), "model", problems)
    assert problems == []
    return settings


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_option_reads_as_settings(file):
    settings = settings_in(file)
    assert settings.name == file.stem
    first = file.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert len(first) <= 100
    if file.stem == "custom":
        assert settings.path is None
        return
    assert settings.path.startswith(PREFIX) or HUB_NAME.fullmatch(settings.path)
    assert settings.license


@pytest.mark.parametrize(
    ("name", "family"), [("tiny_t5", "encoder-decoder"), ("tiny_llama", "decoder-only")]
)
def test_an_embedded_model_is_there(name, family):
    (file,) = (file for file in FILES if file.stem == name)
    facts = facts_of(settings_in(file))
    assert facts.family == family
    assert facts.parameters > 100_000
