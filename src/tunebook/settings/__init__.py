"""Typed settings of a run: what they are, how they are read, what fills their gaps."""

from tunebook.schema import Settings
from tunebook.settings.reading import settings_from
from tunebook.settings.resolve import Resolved, resolve

__all__ = ["Resolved", "Settings", "resolve", "settings_from"]
