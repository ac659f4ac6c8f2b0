"""Templates: what is rendered, what is refused, and that nothing gets out of the sandbox."""

from __future__ import annotations

import pytest
from jinja2 import TemplateError

from tunebook.settings.schema import TaskSettings, TemplateSettings
from tunebook.tasks import Task, options_of, task_of
from tunebook.templates import Template, bare_text, check_template

QA = {"context": "Anna is in Rome.", "question": "Where is Anna?"}


def task(kind: str) -> Task:
    settings: TaskSettings = options_of(kind)(
        name=kind, kind=kind, instruction="Do it.", headline="any"
    )
    return task_of(settings)


def written(text: str) -> TemplateSettings:
    return TemplateSettings(name="mine", text=text)


def told(text: str, kind: str = "qa") -> list[str]:
    return [str(problem) for problem in check_template(written(text), task(kind))]


def test_bare_is_the_field_alone_or_each_behind_its_name() -> None:
    assert bare_text({"document": "A: b\nc"}) == "A: b\nc"
    assert bare_text(QA) == "context: Anna is in Rome.\nquestion: Where is Anna?"


@pytest.mark.parametrize(("text", "rendered"), [
    ("{{ bare }}", "context: Anna is in Rome.\nquestion: Where is Anna?"),
    ("{{ instruction }} {{ question }} {{ context }}", "Do it. Where is Anna? Anna is in Rome."),
    ("{{ question | upper }}\n{{ context }}\n", "WHERE IS ANNA?\nAnna is in Rome.\n"),
    ("{% if 'Rome' in context %}R{% endif %}{{ question[:5] }}{{ context }}",
     "RWhereAnna is in Rome."),
])  # fmt: skip
def test_renders(text: str, rendered: str) -> None:
    assert told(text) == []
    assert Template(written(text), task("qa")).render(QA) == rendered


def test_text_in_a_field_is_never_a_template() -> None:
    fields = {**QA, "question": "{{ context }} {% raw %} {{ 7 * 7 }} <b>&"}
    assert Template(written("{{ question }}"), task("qa")).render(fields) == fields["question"]


@pytest.mark.parametrize(("text", "what"), [
    ("{{ bare", "is no Jinja2 template: unexpected end of template"),
    ("{{ bare | nosuch }}", "is no Jinja2 template: No filter named 'nosuch'."),
    ("{% for x in bare %}{{ bare }}", "is no Jinja2 template: Unexpected end of template"),
    ("{{ bare }} {{ contxt }}", "'contxt' is no field that qa gives to the model. Did you mean"),
    ("{{ bare }} {{ answers }}", "'answers' is no field that qa gives to the model"),
    ("{{ question }}", "does not show the field 'context'. Add it, or {{ bare }}."),
    ("{{ bare }} {{ 1 / 0 }}", "cannot be rendered: division by zero"),
    ("{{ bare }} {{ question + 1 }}", "cannot be rendered: can only concatenate str"),
    ("{{ bare }} {{ question.nosuch }}", "cannot be rendered: 'str object' has no attribute"),
    ("{{ bare }} {% include 'secret' %}", "cannot be rendered: "),
])  # fmt: skip
def test_a_template_that_is_wrong(text: str, what: str) -> None:
    problems = told(text)
    assert problems[0].startswith("template.text: ")
    assert what in problems[0]
    assert "\n" not in problems[0]


@pytest.mark.parametrize("escape", [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ bare['__class__'] }}",
    "{{ bare | attr('__class__') }}",
    "{{ bare.format.__globals__ }}",
    "{{ '{0.__class__}'.format(bare) }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__ }}",
    "{{ range(10000000000) | list }}",
])  # fmt: skip
def test_nothing_gets_out_of_the_sandbox(escape: str) -> None:
    problems = told("{{ bare }}" + escape)
    assert len(problems) == 1
    assert problems[0].startswith("template.text: ")
    with pytest.raises(TemplateError if "range" not in escape else (TemplateError, OverflowError)):
        Template(written(escape), task("qa")).render(QA)
