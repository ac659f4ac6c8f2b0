"""Options of the installed PEFT and transformers, read from their source without importing them."""

from __future__ import annotations

import ast
import functools
import importlib.util
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunebook.errors import Problem, did_you_mean

TRAINING_ARGUMENTS = ("transformers", "training_args.py", "TrainingArguments")
OPTIMIZERS = ("transformers", "training_args.py", "OptimizerNames")
SCHEDULES = ("transformers", "trainer_utils.py", "SchedulerType")
MOST_LISTED = 25
SHORTEST_START = 3
ANYTHING = "anything"
PLAIN: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "list": (list,),
    "dict": (dict,),
    "null": (type(None),),
}


@functools.cache
def options_of(package: str, file: str, name: str) -> Mapping[str, frozenset[str]]:
    """The annotated fields of class `name` in `file` of an installed package, bases included.

    Each with the names of the plain types that it takes, `anything` among them where it takes more.
    """
    root = _root(package)
    return _fields(name, {**_classes(root / "config.py"), **_classes(root / file)})


@functools.cache
def values_of(package: str, file: str, name: str) -> frozenset[str]:
    """The values of the enumeration `name` in `file` of an installed package."""
    node = _classes(_root(package) / file).get(name)
    assigned = [item.value for item in node.body if isinstance(item, ast.Assign)] if node else []
    return frozenset(str(value.value) for value in assigned if isinstance(value, ast.Constant))


def _root(package: str) -> Path:
    found = importlib.util.find_spec(package)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent


def source_of(package: str, file: str) -> ast.Module:
    """The parsed source of `file` in an installed package; nothing where it is not there."""
    path = _root(package) / file
    return ast.parse(path.read_text(encoding="utf-8") if path.exists() else "")


@functools.cache
def enumerated(package: str, file: str, name: str) -> Mapping[str, frozenset[str]]:
    """Of the options of class `name` that take a word of an enumeration, those words."""
    enumerations = {
        one: values_of(package, where, one)
        for where in (file, "trainer_utils.py")
        for one, node in _classes(_root(package) / where).items()
        if any(ast.unparse(base).endswith("Enum") for base in node.bases)
    }
    node = _classes(_root(package) / file)[name]
    named = {
        ast.unparse(item.target): {
            part.id for part in ast.walk(item.annotation) if isinstance(part, ast.Name)
        }
        for item in node.body
        if isinstance(item, ast.AnnAssign)
    }
    return {
        option: frozenset().union(*(enumerations[one] for one in names & set(enumerations)))
        for option, names in named.items()
        if names & set(enumerations) and "list" not in names
    }


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    if not path.exists():
        return {}
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _fields(name: str, classes: Mapping[str, ast.ClassDef]) -> dict[str, frozenset[str]]:
    if name not in classes:
        return {}
    node, found = classes[name], dict[str, frozenset[str]]()
    for base in node.bases:
        found |= _fields(base.id, classes) if isinstance(base, ast.Name) else {}
    for item in node.body:
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            found[item.target.id] = frozenset(_types(item.annotation))
    return found


def _types(annotation: ast.expr) -> set[str]:
    """The names in PLAIN of the types that an annotation allows, ANYTHING for any other."""
    if isinstance(annotation, ast.BinOp):
        return _types(annotation.left) | _types(annotation.right)
    if isinstance(annotation, ast.Constant):
        return {"null"} if annotation.value is None else {ANYTHING}
    if isinstance(annotation, ast.Name):
        return {annotation.id if annotation.id in PLAIN else ANYTHING}
    if not isinstance(annotation, ast.Subscript) or not isinstance(annotation.value, ast.Name):
        return {ANYTHING}
    inner = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else [annotation.slice]
    outer = annotation.value.id
    if outer in ("Optional", "Union"):
        return set().union(*map(_types, inner), {"null"} if outer == "Optional" else set())
    if outer == "Literal":
        return {type(item.value).__name__ if isinstance(item, ast.Constant) else ANYTHING
                for item in inner}  # fmt: skip
    return {outer if outer in PLAIN else ANYTHING}


def unknown_options(
    given: Mapping[str, Any], where: str, source: tuple[str, str, str], set_here: Mapping[str, str],
    refused: Mapping[str, tuple[str, str]] = types.MappingProxyType({}),
) -> list[Problem]:  # fmt: skip
    """Problems of the options `given` below the key `where`: unknown, set elsewhere, or misfits.

    `set_here` maps an option that Tunebook sets itself to the key to use instead; `refused` one
    that no run can have to what is wrong with it, and the remedy.
    """
    known = options_of(*source) if given else {}
    found = (refused.get(name) or _problem_of(name, value, source, known, set_here)
             for name, value in given.items())  # fmt: skip
    return [Problem(f"{where}.{name}", *wrong)
            for name, wrong in zip(given, found, strict=True) if wrong]  # fmt: skip


def _problem_of(
    name: str, value: Any, source: tuple[str, str, str], known: Mapping[str, frozenset[str]],
    set_here: Mapping[str, str],
) -> tuple[str, str] | None:  # fmt: skip
    if name in set_here:
        return "is set by Tunebook", f"Use {set_here[name]} instead."
    if name not in known:
        what = f"{source[2]} of the installed {source[0]} has no such option"
        return what, nearest(name, known.keys() - set_here.keys(), source)
    if not _fits(value, known[name]):
        takes = " or ".join(sorted(known[name] - {"null"}))
        return f"{source[2]} takes {takes}, got {value!r}", ""
    return None


def nearest(name: str, known: Iterable[str], source: tuple[str, str, str]) -> str:
    """The nearest of `known`, or all of them where they are few, or where to find them."""
    known = list(known)
    longer = sorted((one for one in known if one.startswith(name)), key=lambda one: (len(one), one))
    remedy = did_you_mean(name, known)
    if longer and len(name) >= SHORTEST_START and "Did you mean" not in remedy:
        return f"Did you mean {longer[0]}?"
    if "Did you mean" in remedy or remedy.count(",") < MOST_LISTED:
        return remedy
    return f"They are listed in the documentation of {source[0]}.{source[2]}."


def _fits(value: Any, names: frozenset[str]) -> bool:
    if ANYTHING in names:
        return True
    if isinstance(value, bool):
        return "bool" in names
    return any(isinstance(value, PLAIN[name]) for name in names)
