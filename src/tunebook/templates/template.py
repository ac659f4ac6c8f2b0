"""Jinja2 templates, sandboxed, over the fields of an example."""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tunebook.errors import Problem, did_you_mean
from tunebook.settings.schema import TemplateSettings
from tunebook.tasks import Task

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
BARE = "{{ bare }}"
INSTRUCTION = "{{ instruction }}\n\n{{ bare }}"
_PLACEHOLDER = "x"
WRITTEN = "Fields are written {{ name }}; see jinja.palletsprojects.com."


def bare_text(texts: Mapping[str, str]) -> str:
    """The fields alone: one as it is, several each behind its name and on a line of its own."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    return "\n".join(f"{name}: {text}" for name, text in texts.items())


class Template:
    """Renders the source text of an example."""

    def __init__(self, settings: TemplateSettings, task: Task) -> None:
        self.settings = settings
        self.instruction = task.settings.instruction or task.settings.usual_instruction
        self._template = _ENVIRONMENT.from_string(settings.text)

    def render(self, texts: Mapping[str, str]) -> str:
        """The source text for the fields `texts`, by name."""
        return self._template.render(**texts, bare=bare_text(texts), instruction=self.instruction)


def check_template(settings: TemplateSettings, task: Task) -> list[Problem]:
    """What is wrong with a template for a task: its syntax, or names that the task has not."""
    try:
        named = meta.find_undeclared_variables(_ENVIRONMENT.parse(settings.text))
    except TemplateError as error:
        reason = str(error).splitlines()[0]
        return [Problem("template.text", f"is no Jinja2 template: {reason}", WRITTEN)]
    known = {*task.inputs, "bare", "instruction"}
    unknown = named - known
    problems = [
        Problem(
            "template.text",
            f"{name!r} is no field that {task.settings.name} gives to the model",
            did_you_mean(name, known),
        )
        for name in sorted(unknown)
    ]
    return problems or _unrenderable(settings, task) or _ignored_fields(settings, task)


def _unrenderable(settings: TemplateSettings, task: Task) -> list[Problem]:
    try:
        Template(settings, task).render(dict.fromkeys(task.inputs, _PLACEHOLDER))
    except (TemplateError, TypeError, ValueError, ArithmeticError) as error:
        return [Problem("template.text", f"cannot be rendered: {error}")]
    return []


def _ignored_fields(settings: TemplateSettings, task: Task) -> list[Problem]:
    template = Template(settings, task)
    plain = dict.fromkeys(task.inputs, _PLACEHOLDER)
    return [
        Problem("template.text", f"does not show the field {name!r}", "Add it, or {{ bare }}.")
        for name in task.inputs
        if template.render(plain) == template.render({**plain, name: "another"})
    ]
