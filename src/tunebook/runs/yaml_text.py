"""Settings as YAML text."""

from __future__ import annotations

import dataclasses

import yaml

from tunebook.schema import Settings


def settings_text(settings: Settings) -> str:
    """`settings` as YAML, in the order of their definition."""
    return yaml.safe_dump(dataclasses.asdict(settings), sort_keys=False, allow_unicode=True)
