"""Typed settings of a run: what they are, how they are read, what fills their gaps."""

from tunebook.settings.reading import settings_from
from tunebook.settings.resolve import Resolved, resolve
from tunebook.settings.schema import Settings

__all__ = ["Resolved", "Settings", "resolve", "settings_from"]
