"""The one reader of JSON and the one of YAML: one line says what is wrong with any file.

Every function raises `BrokenDocument`, with file and line, for what cannot be opened, is too large,
is not UTF-8, is no JSON or YAML, is nested too deeply, holds half a character or an endless number,
or has another form than the one asked for.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from tunebook.errors import Problem, RequestError

DEEPEST = 100
MOST_DIGITS = 300
"""So that every whole number is within the reach of a float."""
LARGEST_JSON, LARGEST_YAML = 1 << 28, 1 << 20
"""Bytes of one document."""
MOST_NODES = 100_000
"""Of a YAML document, those that its aliases repeat included."""
LONGEST_NUMBER_SHOWN = 20
FORMS: dict[type, str] = {
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing (null)",
}
NESTED = (dict, list)
PLAIN_TAGS = ("map", "seq", "str", "int", "float", "bool", "null", "merge")


class BrokenDocument(RequestError):
    """A document cannot be read. `problem` names file and line, and what is wrong."""

    def __init__(self, where: str, what: str, remedy: str = "") -> None:
        self.problem = Problem(where, what, remedy)
        super().__init__(self.problem)


def read_bytes(path: str | Path, limit: int = LARGEST_JSON) -> bytes:
    """The content of the file at `path`, at most `limit` bytes of it."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            raise BrokenDocument(str(path), f"is {kind_of_file(found.st_mode)}, not a file")
        if found.st_size > limit:
            what = f"holds {found.st_size:,} bytes, more than the {limit:,} that are read"
            raise BrokenDocument(str(path), what)
        return Path(path).read_bytes()
    except OSError as error:
        raise BrokenDocument(str(path), f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # NUL or half a character in the path
        raise BrokenDocument(repr(str(path)), "is no path") from None


def kind_of_file(mode: int) -> str:
    """What stands where a file is expected."""
    kinds = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket"}
    return next((name for is_one, name in kinds.items() if is_one(mode)), "a device")


def read_text(path: str | Path, limit: int = LARGEST_JSON) -> str:
    """The text of a UTF-8 file; a byte-order mark in front is no part of it."""
    return decoded(read_bytes(path, limit), str(path))


def decoded(content: bytes, where: str) -> str:
    """`content` as text; `where` is what it is called by."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        remedy = "Save it as UTF-8: iconv -f utf-16 -t utf-8 OLD > NEW."
        raise BrokenDocument(where, "is UTF-16, not UTF-8", remedy)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        what = f"is not UTF-8: byte 0x{content[error.start]:02x}"
        remedy = "Save it as UTF-8: iconv -f latin1 -t utf-8 OLD > NEW."
        raise BrokenDocument(f"{where}:{line}", what, remedy) from None


def read_json(
    path: str | Path, form: type = object, *, finite: bool = False, limit: int = LARGEST_JSON
) -> Any:
    """The JSON in a file.

    form: what must stand at the top, such as dict. finite: refuse NaN and Infinity, which are no
    JSON, though Python writes them.
    """
    return parse_json(read_bytes(path, limit), str(path), form, finite=finite)


def parse_json(
    text: str | bytes, where: str, form: type = object, *, finite: bool = False,
    halves: bool = False,
) -> Any:  # fmt: skip
    """The JSON in `text`, which is called `where` in an error. halves: those of characters pass."""
    text = decoded(text, where) if isinstance(text, bytes) else text.removeprefix("\ufeff")
    try:
        found = (_FINITE if finite else _JSON).decode(text)
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}" if "\n" in text.strip() else where
        what = f"is no valid JSON: {error.msg} (column {error.colno})"
        raise BrokenDocument(place, what) from None
    except _Refused as error:
        raise BrokenDocument(where, str(error)) from None
    except RecursionError:
        raise BrokenDocument(where, TOO_DEEP) from None
    if text.count("[") + text.count("{") > DEEPEST:
        _check_depth(found, where)
    if "\\u" in text and not halves:
        _check_characters(found, where)
    return _of_form(found, form, where)


def json_lines(path: str | Path, form: type = dict) -> Iterator[tuple[int, Any]]:
    """Number and content of each line of a file of JSON lines; blank ones are passed over."""
    for number, line in enumerate(read_bytes(path).split(b"\n"), 1):
        if line and not line.isspace():
            yield number, parse_json(line, f"{path}:{number}", form)


TOO_DEEP = f"is nested more than {DEEPEST} deep"


class _Refused(Exception):
    """A number that is read nowhere."""


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise _Refused(f"holds a number of {len(digits):,} digits, such as no setting or count has")
    return int(digits)


def _finite(digits: str) -> float:
    if abs(number := float(digits)) == float("inf"):
        raise _Refused(f"holds {digits[:LONGEST_NUMBER_SHOWN]}, which is beyond every number")
    return number


def _no_number(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which is no number")


_JSON = json.JSONDecoder(parse_int=_whole)
_FINITE = json.JSONDecoder(parse_int=_whole, parse_float=_finite, parse_constant=_no_number)


def _check_depth(found: Any, where: str) -> None:
    level = [found] if isinstance(found, NESTED) else []
    for _ in range(DEEPEST + 1):
        if not level:
            return
        parts = (one.values() if isinstance(one, dict) else one for one in level)
        level = [value for part in parts for value in part if isinstance(value, NESTED)]
    raise BrokenDocument(where, TOO_DEEP)


def _check_characters(found: Any, where: str) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        code = f"\\u{ord(error.object[error.start]):04x}"
        raise BrokenDocument(where, f"holds half a character, {code} without its pair") from None


def _of_form(found: Any, form: type, where: str, mapping: str = "an object") -> Any:
    if isinstance(found, form):
        return found
    names = {**FORMS, dict: mapping}
    holds = names.get(type(found), type(found).__name__)
    raise BrokenDocument(where, f"holds {holds}, not {names.get(form, form.__name__)}")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Reads numbers as OmegaConf does, which composes the same files; dates are text."""


class _TextLoader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    """Takes every value as the text that it is written as."""


FLOAT = re.compile(
    r"""^(?:[-+]?[0-9]+(?:_[0-9]+)*\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)
    |\.[0-9]+(?:_[0-9]+)*(?:[eE][-+][0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
_Loader.yaml_implicit_resolvers = {
    first: [one for one in resolvers if not one[0].endswith((":timestamp", ":float"))]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", FLOAT, list("-+0123456789."))
MISLEADING = re.compile(r"[-+]?(?:0[0-9_]+|0b[01_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*(?::[0-5]?[0-9])+)")
"""Whole numbers that YAML 1.1 reads to another base than people do: octal, base 60."""


def read_yaml(
    path: str | Path, form: type = dict, *, limit: int = LARGEST_YAML, as_text: bool = False
) -> Any:
    """The YAML document in a file; `form` as for JSON. as_text: no value becomes a number."""
    return parse_yaml(read_text(path, limit), str(path), form, as_text=as_text)


def parse_yaml(text: str, where: str, form: type = dict, *, as_text: bool = False) -> Any:
    """The YAML document in `text`, which is called `where` in an error."""
    return _of_form(_constructed(text, where, as_text)[0], form, where, "keys with values")


def yaml_lines(text: str, where: str) -> tuple[Any, dict[str, int]]:
    """The document in `text`, and of each of its keys, written with dots, the line it stands in."""
    found, node = _constructed(text, where, False)
    return found, dict(_lines_of(node, "")) if node is not None else {}


def _constructed(text: str, where: str, as_text: bool) -> tuple[Any, yaml.Node | None]:
    try:
        loader = (_TextLoader if as_text else _Loader)(text)
        node = loader.get_single_node()
        if node is None:
            return None, None
        _Nodes(where, as_text).count(node, 0)
        return loader.construct_document(node), node
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{where}:{mark.line + 1}" if mark else where
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        raise BrokenDocument(place, f"is no valid YAML: {' '.join(str(reason).split())}") from None
    except UnicodeEncodeError:
        raise BrokenDocument(where, "holds half a character") from None
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise BrokenDocument(where, f"is no valid YAML: {' '.join(str(error).split())}") from None


class _Nodes:
    """Counts what a document holds before it is built: aliases can make much of little."""

    def __init__(self, where: str, as_text: bool) -> None:
        self.where, self.as_text = where, as_text
        self.sizes: dict[int, int] = {}
        self.open: set[int] = set()

    def count(self, node: yaml.Node, depth: int) -> int:
        """Nodes in and below `node`, those behind aliases each time anew."""
        if node.tag.rpartition(":")[2] not in PLAIN_TAGS:
            self._refuse(node, f"has the tag {node.tag}, which is not read", "Remove it.")
        if isinstance(node, yaml.ScalarNode):
            self._check_number(node)
            return 1
        if id(node) in self.sizes:
            return self.sizes[id(node)]
        if id(node) in self.open:
            self._refuse(node, "refers to itself")
        if depth > DEEPEST:
            self._refuse(node, TOO_DEEP)
        self.open.add(id(node))
        size = 1 + sum(self.count(part, depth + 1) for part in self._parts(node))
        self.open.discard(id(node))
        if size > MOST_NODES:
            self._refuse(node, f"comes to more than {MOST_NODES:,} values")
        self.sizes[id(node)] = size
        return size

    def _parts(self, node: yaml.Node) -> Iterator[yaml.Node]:
        if isinstance(node, yaml.SequenceNode):
            yield from node.value
            return
        known: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "has a key that is no word")
            if key.value in known:
                self._refuse(key, f"gives the key {key.value} twice")
            known.add(key.value)
            yield from (key, value)

    def _check_number(self, node: yaml.Node) -> None:
        if self.as_text or not node.tag.endswith(":int"):
            return
        if len(node.value) > MOST_DIGITS:
            self._refuse(node, f"holds a number of {len(node.value):,} digits")
        if MISLEADING.fullmatch(node.value):
            what = f"{node.value} is another number in YAML than it seems"
            self._refuse(node, what, f"Write it in plain digits, or quote it: '{node.value}'.")

    def _refuse(self, node: yaml.Node, what: str, remedy: str = "") -> NoReturn:
        raise BrokenDocument(f"{self.where}:{node.start_mark.line + 1}", what, remedy)


def _lines_of(node: yaml.Node, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield f"{path}{key.value}", key.start_mark.line + 1
            yield from _lines_of(value, f"{path}{key.value}.")
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield f"{path}{number}", value.start_mark.line + 1
            yield from _lines_of(value, f"{path}{number}.")
