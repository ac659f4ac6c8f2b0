"""Packages know those on the lines below their own in docs/architecture.md, and no others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SOURCES = ("src/tunebook", "src/hydra_plugins", "recipes")


def floors() -> list[list[str]]:
    """The names on each line of the picture, the lowest line first."""
    (picture,) = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    lines = [re.split(r"\s{2,}", line)[0] for line in picture.splitlines()]
    return [line.split(", ") for line in reversed(lines)]


HEIGHT = {name: number for number, names in enumerate(floors()) for name in names}


def room_of(module: str) -> str:
    """The package or module of the ground floor in which a module stands; "" for foreign ones."""
    top, *below = module.split(".")
    if top == "tunebook":
        return below[0] if below and below[0] in HEIGHT else ""
    return top if top in HEIGHT else ""


def modules() -> Iterator[tuple[str, Path]]:
    """Each module's dotted name and file; the library's own door is no room."""
    for base in map(Path, SOURCES):
        for file in sorted((ROOT / base).rglob("*.py")):
            below = file.relative_to(ROOT / base).with_suffix("").parts
            if base.name != "tunebook" or below != ("__init__",):
                yield ".".join([base.name, *below]), file


def imports(file: Path) -> Iterator[tuple[int, str]]:
    """Line and dotted name of whatever a file imports: late, and for the type checker, too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, one.name) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{file}:{node.lineno}: a relative import"
            yield from ((node.lineno, f"{node.module}.{one.name}") for one in node.names)


def crossings() -> Iterator[tuple[str, str, str]]:
    """Room, imported room and place of each import from one room into another."""
    for module, file in modules():
        for line, name in imports(file):
            if room_of(name) not in ("", room_of(module)):
                yield room_of(module), room_of(name), f"{file.relative_to(ROOT)}:{line}"


def test_every_package_is_in_the_picture_once() -> None:
    named = [name for names in floors() for name in names]
    there = {"recipes", "hydra_plugins"} | {
        path.stem
        for path in (ROOT / "src" / "tunebook").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or any(path.glob("*.py"))
    }
    assert sorted(named) == sorted(there)


def test_no_import_goes_up_or_round() -> None:
    upwards = [
        f"{place}: {room} imports {imported}"
        for room, imported, place in crossings()
        if HEIGHT[imported] >= HEIGHT[room]
    ]
    assert upwards == []
