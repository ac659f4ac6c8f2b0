"""The comments of a YAML file, by the key that they stand above or behind."""

from __future__ import annotations

from collections.abc import Iterator

import yaml


def remarks_of(text: str) -> dict[str, list[str]]:
    """For each key of `text`, with dots, the comment lines directly above it, else the one behind.

    Raises yaml.YAMLError where `text` is no YAML.
    """
    lines = text.splitlines()
    found = {}
    for key, number in _keys(yaml.compose(text, yaml.SafeLoader), ""):
        if remark := _above(lines, number) or _behind(lines[number]):
            found[key] = remark
    return found


def _keys(node: yaml.Node | None, path: str) -> Iterator[tuple[str, int]]:
    """Every key with the line that it stands in, counted from 0."""
    if not isinstance(node, yaml.MappingNode):
        return
    for name, value in node.value:
        key = f"{path}{name.value}"
        yield key, name.start_mark.line
        yield from _keys(value, f"{key}.")


def _above(lines: list[str], number: int) -> list[str]:
    first = number
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return [line.lstrip().lstrip("#").strip() for line in lines[first:number]]


def _behind(line: str) -> list[str]:
    _, hash_sign, remark = line.partition(" #")
    return [remark.strip()] if hash_sign and '"' not in remark and "'" not in remark else []
