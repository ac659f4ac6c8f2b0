"""Jinja2 in a sandbox with bounds: on steps, on time, and on the size of all that is made.

A template comes from a recipe, and a recipe may come from anywhere. Loops, macros and recursion
are counted, every text, list and number is weighed before it is made or as soon as it is there, and
what a single call can do with inputs of bounded size is bounded too. No signal and no process is
needed, so that it holds in any thread.
"""

from __future__ import annotations

import functools
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jinja2 import StrictUndefined, TemplateRuntimeError, nodes
from jinja2.filters import FILTERS
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.visitor import NodeTransformer

MOST_SIGNS = 10_000_000
"""Characters of a text, or written by one rendering in all; an element of a list counts as 30."""
ELEMENT = 30
MOST_BITS = 100_000
MOST_STEPS = 500_000
PATIENCE = 3.0  # seconds of computing for one rendering
LONGEST_TEMPLATE = 100_000  # characters

FORMATTING = ("format", "format_map")
SLOW = ("urlize", "striptags", "pprint", "wordwrap")
"""Their time grows with the square of a text, or of its longest word."""
SLOW_SIGNS = 100_000
WITHOUT = ("random",)  # The same row must give the same text.
STEP, CONCAT, WEIGHED = " step", " concat", " weighed"  # names that no template can write
IN_FORMAT = re.compile(r"(?<!\{)\{[^{}]*:[^{}]*\{|%[^%a-zA-Z]*\*")
_NUMBER = re.compile(r"\d+")


class TooMuch(TemplateRuntimeError):
    """A template asks for more than one example can need."""


class _Budget(threading.local):
    steps = signs = 10**18
    until = float("inf")


_budget = _Budget()


@contextmanager
def bounded() -> Iterator[None]:
    """What one rendering may cost, until the block ends."""
    _budget.steps, _budget.signs = MOST_STEPS, MOST_SIGNS
    _budget.until = time.thread_time() + PATIENCE
    try:
        yield
    finally:
        _budget.until = float("inf")


def _step(signs: int = 0) -> bool:
    """Count a step that writes so many characters of the template itself."""
    _budget.steps -= 1
    _budget.signs -= signs
    if _budget.steps < 0:
        raise TooMuch(f"it takes more than {MOST_STEPS:,} steps for one example")
    if _budget.signs < 0:
        raise TooMuch(f"it writes more than {MOST_SIGNS:,} characters for one example")
    if time.thread_time() > _budget.until:
        raise TooMuch(f"it takes more than {PATIENCE:g} seconds for one example")
    return True


def _size(value: Any) -> int:
    """Characters of texts and ELEMENT for each element; stops when there are too many."""
    total, waiting = 0, [value]
    while waiting and total <= MOST_SIGNS:
        one = waiting.pop()
        if isinstance(one, str | bytes):
            total += len(one)
        elif isinstance(one, Mapping):
            total += 2 * ELEMENT * len(one)
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            total += ELEMENT * len(one)
            waiting += one
    return total


def _weighed(value: Any) -> Any:
    """`value`, if it is not too large."""
    if _size(value) > MOST_SIGNS:
        raise TooMuch(f"it makes a text or list of more than {MOST_SIGNS:,} characters")
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise TooMuch("it makes a number that is too large")
    return value


def _allow(size: int) -> None:
    if size > MOST_SIGNS:
        raise TooMuch(f"it makes a text or list of more than {MOST_SIGNS:,} characters")


def _written_out(value: Any) -> Any:
    """What `{{ … }}` writes."""
    if isinstance(value, str):
        _step(len(value))
        return value
    text = str(_weighed(value))
    _step(len(text))
    return text


def _concat(values: Iterable[Any]) -> str:
    return "".join(str(_weighed(value)) for value in _weighed(list(values)))


def _sum(values: Iterable[Any], attribute: Any = None, start: Any = 0) -> Any:
    if attribute is not None or not isinstance(start, int | float):
        raise TooMuch("sum adds numbers alone")
    return sum(values, start)


def _check_arguments(name: str, given: list[Any]) -> None:
    """What the call of a filter or method `name` may cost; the value itself is given first."""
    value, rest = (given or [None])[0], given[1:]
    sizes = [abs(one) if isinstance(one, int) else _size(one) for one in rest]
    if times := _times_written(name, value, rest):
        _allow(times * max(sizes, default=1))
    if name in FORMATTING:
        _check_format(value, rest)
    if name in SLOW and _slow_part(name, value) > SLOW_SIGNS:
        raise TooMuch(f"{name} takes too long for more than {SLOW_SIGNS:,} characters")


def _times_written(name: str, value: Any, rest: list[Any]) -> int:
    """How often a call writes its longest argument at most; 0 where it does not expand."""
    if name in ("center", "ljust", "rjust", "zfill", "to_bytes", "round"):
        return 1
    if name in ("batch", "slice"):
        return ELEMENT
    if name in ("expandtabs", "indent", "replace"):
        part = {"expandtabs": "\t", "indent": "\n"}.get(name) or str((rest or [""])[0])
        return str(value).count(part) + 1
    if name == "join":
        return len(value) if hasattr(value, "__len__") else SOME
    return _size(value) + 1 if name in ("translate", "tojson") else 0


SOME = 100_000
"""Elements that a list is thought to have while it is still being made."""


def _slow_part(name: str, value: Any) -> int:
    words = value.split() if name == "wordwrap" and isinstance(value, str) else [value]
    return max(map(_size, words), default=0)


def _check_format(text: Any, given: Iterable[Any]) -> None:
    if not isinstance(text, str | bytes):
        return
    written = text.decode("latin-1") if isinstance(text, bytes) else text
    if IN_FORMAT.search(written):
        raise TooMuch("widths in a format must be written there")
    widths = sum(int(number[:10]) for number in _NUMBER.findall(written))
    times = written.count("{") + written.count("%")
    _allow(widths + len(written) + times * max((_size(one) for one in given), default=0))


def _check_operator(operator: str, left: Any, right: Any) -> None:
    numbers = isinstance(left, int) and isinstance(right, int)
    if operator == "**" and numbers and left.bit_length() * max(right, 0) > MOST_BITS:
        raise TooMuch("it makes a number that is too large")
    if operator == "*" and not numbers:
        _allow(_times(left, right))
    if operator == "+" and not isinstance(left, int | float):
        _allow(_size(left) + _size(right))
    if operator == "%":
        _check_format(left, [right])


def _times(left: Any, right: Any) -> int:
    many, what = (left, right) if isinstance(left, int) else (right, left)
    return _size(what) * max(many, 0) if isinstance(many, int) else 0


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test that counts as a step and whose result is weighed."""
    hidden = 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def counted(*args: Any, **named: Any) -> Any:
        _step()
        _check_arguments(name, [*args[hidden:], *named.values()])
        return _weighed(function(*args, **named))

    return counted


class _Bounds(NodeTransformer):
    """Lets every loop, macro and block count its rounds, and lists be weighed that are built."""

    def _counting(self, node: Any) -> Any:
        signs = sum(len(data.data) for data in node.find_all(nodes.TemplateData))
        node = self.generic_visit(node)
        node.body.insert(0, nodes.ExprStmt(_filtered(nodes.Const(signs), STEP), lineno=node.lineno))
        return node

    def visit_For(self, node: nodes.For) -> Any:
        """A round is a step, and so is a look at an element that is left out."""
        if node.test is not None:
            node.test = nodes.And(_filtered(nodes.Const(0), STEP), node.test)
        return self._counting(node)

    visit_Macro = visit_CallBlock = visit_Block = _counting

    def visit_Concat(self, node: nodes.Concat) -> Any:
        """`a ~ b`, weighed."""
        self.generic_visit(node)
        return _filtered(nodes.List(node.nodes), CONCAT)

    def _built(self, node: Any) -> Any:
        node = self.generic_visit(node)
        is_target = getattr(node, "ctx", "load") != "load"
        return node if is_target else _filtered(node, WEIGHED)

    visit_List = visit_Dict = visit_Tuple = _built


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None)


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Immutable sandbox whose templates cannot take more than `bounded` allows."""

    intercepted_binops = frozenset(("+", "-", "*", "/", "//", "**", "%"))

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined, keep_trailing_newline=True, optimized=False,
            finalize=_written_out,
        )  # fmt: skip
        ours = {STEP: _step, CONCAT: _concat, WEIGHED: _weighed}
        known: dict[str, Any] = {**FILTERS, "sum": _sum}
        tests: dict[str, Any] = {**TESTS}
        self.filters = {name: _counted(name, one) for name, one in known.items()} | ours
        self.tests = {name: _counted(name, one) for name, one in tests.items()}
        for name in WITHOUT:
            del self.filters[name]
        del self.globals["lipsum"]

    def _generate(self, source: nodes.Template, *args: Any, **named: Any) -> str:
        counting = _Bounds().visit(source).set_environment(self)
        return super()._generate(counting, *args, **named)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator, when its result is not too large."""
        _step()
        _check_operator(operator, left, right)
        return _weighed(super().call_binop(context, operator, left, right))

    def call(self, context: Any, called: Any, /, *args: Any, **named: Any) -> Any:
        """A method or macro, when its result is not too large."""
        _step()
        method = getattr(called, "__wrapped__", called)  # jinja2 wraps str.format
        name, own = getattr(method, "__name__", ""), getattr(method, "__self__", None)
        given = [own, *args, *named.values()]
        if name == "join":  # A filter gets the parts first, a method what stands between them.
            given[:2] = reversed(given[:2])
        _check_arguments(name, given)
        return _weighed(super().call(context, called, *args, **named))
