"""Options of the installed PEFT and transformers, read from their source without importing them."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunebook.errors import Problem
from tunebook.settings.typed import did_you_mean

TRAINING_ARGUMENTS = ("transformers", "training_args.py", "TrainingArguments")


@functools.cache
def options_of(package: str, file: str, name: str) -> frozenset[str]:
    """The annotated fields of class `name` in `file` of an installed package, bases included."""
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    root = Path(found.origin).parent
    classes = {**_classes(root / "config.py"), **_classes(root / file)}
    return frozenset(_fields(name, classes))


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    if not path.exists():
        return {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields(name: str, classes: Mapping[str, ast.ClassDef]) -> set[str]:
    if name not in classes:
        return set()
    node = classes[name]
    own = {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
    }
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    return own.union(*(_fields(base, classes) for base in bases))


def unknown_options(
    given: Mapping[str, Any], where: str, source: tuple[str, str, str], set_here: Mapping[str, str]
) -> list[Problem]:
    """Problems of the options `given` below the key `where` that the class does not take.

    `set_here` maps an option that Tunebook sets itself to the key to use instead.
    """
    problems = []
    for name in given:
        if name in set_here:
            what = f"is set by {set_here[name]}"
            problems.append(Problem(f"{where}.{name}", what, f"Use {set_here[name]} instead."))
        elif name not in (known := options_of(*source)):
            what = f"{source[2]} of the installed {source[0]} has no such option"
            problems.append(Problem(f"{where}.{name}", what, did_you_mean(name, known)))
    return problems
