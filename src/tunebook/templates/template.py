"""Jinja2 templates, sandboxed and bounded, over the fields of an example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import TemplateError, meta, nodes

from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.schema import TemplateSettings
from tunebook.tasks import Task, instruction_of
from tunebook.templates.sandbox import LONGEST_TEMPLATE, BoundedEnvironment, bounded

_ENVIRONMENT = BoundedEnvironment()
BARE = "{{ bare }}"
INSTRUCTION = "{{ instruction }}\n\n{{ bare }}"
_PLACEHOLDER = "x"
WRITTEN = "Fields are written {{ name }}; see jinja.palletsprojects.com."
SAMPLE = 20
"""Rows of each split that are rendered before anything is loaded."""
LONGEST_SAMPLE = 100_000  # characters of a field


def bare_text(texts: Mapping[str, str]) -> str:
    """The fields alone: one as it is, several each behind its name and on a line of its own."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join(f"{name}: {text}" for name, text in texts.items())


class Template:
    """Renders the source text of an example.

    Args:
        settings: the template.
        task: gives the instruction.
        names: other words for words that the template itself writes, in its text, in strings that
            it prints and in the instruction; what comes out of the fields keeps its words.

    Raises:
        RequestError: it cannot be compiled, or `render` cannot render a row.
    """

    def __init__(
        self, settings: TemplateSettings, task: Task, names: Mapping[str, str] | None = None
    ) -> None:
        self.settings = settings
        self.instruction = renamed(instruction_of(task.settings), names or {})
        try:
            with bounded():
                parsed = _rename(_ENVIRONMENT.parse(settings.text), names or {})
                self._template = _ENVIRONMENT.from_string(parsed)
        except Exception as error:
            raise _cannot(error) from None

    def render(self, texts: Mapping[str, str]) -> str:
        """The source text for the fields `texts`, by name."""
        given = {**texts, "bare": bare_text(texts), "instruction": self.instruction}
        try:
            with bounded():
                return self._template.render(given)
        except Exception as error:
            raise _cannot(error) from None


def renamed(text: str, names: Mapping[str, str]) -> str:
    """`text` with other words for some, the longest first."""
    for word in sorted(names, key=len, reverse=True):
        text = text.replace(word, names[word])
    return text


def _rename(parsed: nodes.Template, names: Mapping[str, str]) -> nodes.Template:
    """What the template writes itself: its text, and strings that it prints or keeps."""
    if names:
        for data in parsed.find_all(nodes.TemplateData):
            data.data = renamed(data.data, names)
        for statement in parsed.find_all((nodes.Output, nodes.Assign)):
            for string in _printed(statement):
                string.value = renamed(string.value, names)
    return parsed


def _printed(node: nodes.Node) -> Iterable[nodes.Const]:
    """Strings that become part of the output as they are: not what they are compared with."""
    if isinstance(node, nodes.Const):
        return [node] if isinstance(node.value, str) else []
    parts: dict[type[nodes.Node], tuple[str, ...]] = {
        nodes.Output: ("nodes",), nodes.Concat: ("nodes",), nodes.Add: ("left", "right"),
        nodes.CondExpr: ("expr1", "expr2"), nodes.Assign: ("node",),
    }  # fmt: skip
    return [
        string
        for child in node.iter_child_nodes(only=parts.get(type(node), ()))
        for string in _printed(child)
    ]


def check_template(settings: TemplateSettings, task: Task) -> list[Problem]:
    """What is wrong with a template for a task: its syntax, or names that the task has not."""
    if len(settings.text) > LONGEST_TEMPLATE:
        what = f"has {len(settings.text):,} characters; {LONGEST_TEMPLATE:,} are allowed"
        return [Problem("template.text", what)]
    try:
        named = meta.find_undeclared_variables(_ENVIRONMENT.parse(settings.text))
    except (TemplateError, RecursionError, ValueError) as error:
        return [Problem("template.text", f"is no Jinja2 template: {_first_line(error)}", WRITTEN)]
    known = {*task.inputs, "bare", "instruction"}
    problems = [
        Problem(
            "template.text",
            f"{name!r} is no field that {task.settings.name} gives to the model",
            did_you_mean(name, known),
        )
        for name in sorted(named - known)
    ]
    return problems or _unrenderable(settings, task) or _ignored_fields(settings, task)


def check_on_rows(settings: TemplateSettings, task: Task, *splits: Sequence[Any]) -> None:
    """Render some rows of each split. Raises RequestError where one cannot be rendered."""
    template = Template(settings, task)
    for rows in splits:
        for index in range(0, len(rows), max(1, len(rows) // SAMPLE)):
            texts = task.texts(rows[index])
            template.render({name: text[:LONGEST_SAMPLE] for name, text in texts.items()})


def _unrenderable(settings: TemplateSettings, task: Task) -> list[Problem]:
    try:
        Template(settings, task).render(dict.fromkeys(task.inputs, _PLACEHOLDER))
    except RequestError as error:
        return error.problems
    return []


def _ignored_fields(settings: TemplateSettings, task: Task) -> list[Problem]:
    template = Template(settings, task)
    plain = dict.fromkeys(task.inputs, _PLACEHOLDER)
    try:
        return [
            Problem("template.text", f"does not show the field {name!r}", "Add it, or {{ bare }}.")
            for name in task.inputs
            if template.render(plain) == template.render({**plain, name: "another"})
        ]
    except RequestError as error:
        return error.problems


def _cannot(error: Exception) -> RequestError:
    return RequestError(Problem("template.text", f"cannot be rendered: {_first_line(error)}"))


def _first_line(error: Exception) -> str:
    """What an exception says, with its kind where the words alone say little."""
    words = next((line for line in str(error).splitlines() if line.strip()), "")[:300]
    says_little = not words or isinstance(error, LookupError | MemoryError | RecursionError)
    return f"{type(error).__name__}: {words}".rstrip(": ") if says_little else words
