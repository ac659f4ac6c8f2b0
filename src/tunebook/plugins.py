"""Modules found by looking at a package's folder, so that nothing is listed twice."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType


def names(package: str, without: Sequence[str] = ()) -> list[str]:
    """The public modules in `package`, sorted, less those `without`; subpackages do not count."""
    found = pkgutil.iter_modules(importlib.import_module(package).__path__)
    public = (m.name for m in found if not m.ispkg and not m.name.startswith("_"))
    return sorted(name for name in public if name not in without)


def find(package: str, name: str) -> ModuleType:
    """The module `name` of `package`. Raises KeyError where there is none."""
    if name not in names(package):
        raise KeyError(name)
    return importlib.import_module(f"{package}.{name}")
