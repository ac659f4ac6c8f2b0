"""Templates: what is rendered, what is refused, and that nothing gets out of the sandbox."""

from __future__ import annotations

import threading
import time

import pytest

from tunebook.errors import RequestError
from tunebook.schema import TaskSettings, TemplateSettings
from tunebook.tasks import Task, options_of, task_of
from tunebook.templates import sandbox
from tunebook.templates.template import Template, bare_text, check_template

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
    with pytest.raises(RequestError):
        Template(written(escape), task("qa")).render(QA)


LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}"
HOSTILE = [
    # A traceback where one line is due.
    "{{ '{x}'.format() }}",
    "{{ '{0}'.format() }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "{{ bare|groupby('x') }}",
    "{{ '%(x)s' % {} }}",
    "{{ '%s %s' % bare }}",
    "{{ bare.encode('nocodec') }}",
    "{{ [1]|map('nosuch')|list }}",
    "{{ bare|int(base=99)|string|attr('x') }}",
    "{{ bare|batch(0)|list }}{{ 1|batch(2)|list }}",
    "{{ dict(bare) }}",
    "{{ 9|round(method='down') }}",
    "{{ namespace(1) }}",
    "{% extends 'x' %}",
    "{% import 'x' as y %}",
    "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
    "{{ " + "-" * 3000 + "1 }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}",
    "{{ 1" + "0" * 5000 + " }}",
    "{{ super() }}",
    "{% block b %}{{ self.b() }}{% endblock %}",
    # Steps without end.
    LOOP + "{% endfor %}{% endfor %}",
    LOOP + "x{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "{% for a in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}",
    "{% set n = namespace(x=[]) %}{% for a in range(99999) %}{% set n.x = [n.x] %}{% endfor %}",
    "{{ range(99999)|map('batch', 2)|map('list')|map('join', bare)|list|length * 0 }}" * 200,
    # Texts, lists and numbers without end.
    "{{ bare * 10**9 }}",
    "{{ 10**9 * bare }}",
    "{{ [bare] * 10**9 }}",
    "{{ 10**(10**10) }}",
    "{{ (7**7**7)**99999 }}",
    "{% set n = namespace(x=9) %}{% for a in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
    "{% set n = namespace(x='ab') %}{% for a in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
    "{% set n = namespace(x=[1]) %}{% for a in range(99) %}{% set n.x = [n.x, n.x] %}{% endfor %}",
    "{% set n = namespace(x={}) %}{% for a in range(99) %}{% set n.x = {1: n.x, 2: n.x} %}"
    "{% endfor %}{{ n.x }}",
    "{% set n = namespace(x=1) %}{% for a in range(99) %}{% set n.x = (n.x, n.x) %}{% endfor %}"
    "{{ n.x == n.x }}",
    "{{ bare|center(10**9) }}",
    "{{ bare.ljust(10**9) }}{{ bare.zfill(10**9) }}",
    "{{ ('\\t' * 9999).expandtabs(10**9) }}",
    "{{ ('a' * 99999).replace('a', 'a' * 99999) }}",
    "{{ ('a' * 99999)|replace('', 'a' * 99999) }}",
    "{{ ('a' * 99999).join('a' * 99999) }}",
    "{{ ('a' * 99999)|join('a' * 99999) }}",
    "{{ ('a' * 99999).translate({97: 'a' * 99999}) }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (10**9, 1) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{:{w}}'.format(1, w=10**9) }}",
    "{{ '{:{w}}'.format_map({'0': 1, 'w': 10**9}) }}",
    "{{ ('{0}' * 9999).format('a' * 99999) }}",
    "{{ [1]|batch(10**9, 1)|list }}",
    "{{ [1]|slice(10**9)|list }}",
    "{{ [1]|tojson(indent=10**9) }}",
    "{{ bare|indent(10**9) }}",
    "{{ [1]|map('center', 10**9)|list }}",
    "{{ (1).to_bytes(10**9, 'big') }}",
    "{{ 1|round(10**9, 'ceil') }}",
    "{{ ([[1]] * 99999)|sum(start=[]) }}",
    "{{ ('a' * 9999999)|wordwrap(1) }}",
    "{% for a in range(99999) %}" + "x" * 9999 + "{% endfor %}",
    "{% set a %}{{ bare * 999 }}{% endset %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60,
    "{% filter center(10**9) %}x{% endfilter %}",
    "{{ lipsum(10**9) }}",
    "{{ ['a', 'b']|random }}",
]  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_what_cannot_be_rendered_is_told_in_one_line_and_soon(
    hostile: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "MOST_STEPS", 20_000)
    monkeypatch.setattr(sandbox, "PATIENCE", 1.0)
    began = time.thread_time()
    (problem,) = told("{{ bare }}" + hostile)
    assert time.thread_time() - began < 5
    assert problem.startswith("template.text: ")
    assert "\n" not in problem
    assert len(problem) < 500


def test_bounds_hold_in_any_thread() -> None:
    found: list[list[str]] = []
    thread = threading.Thread(target=lambda: found.append(told("{{ bare }}" + LOOP + "{% endfor %}"
                                                               "{% endfor %}")))  # fmt: skip
    thread.start()
    thread.join(timeout=30)
    assert "more than 500,000 steps" in found[0][0]


@pytest.mark.parametrize("text", [
    "{% for line in bare.splitlines() %}{{ loop.index }}. {{ line|trim }}\n{% endfor %}",
    "{{ bare.replace('Anna', 'Bruno')|upper|truncate(9000) }}",
    "{% set words = bare.split() %}{{ words[:3]|join(' ') }}{{ bare ~ '!' }}{{ '%s' % bare }}",
    "{% macro m(x) %}<{{ x }}>{% endmacro %}{{ m(bare) }}{{ 'a: {}'.format(bare) }}",
    "{{ bare|wordwrap(40) }}{{ bare|length * 2 + 1 }}{{ [1, 2]|sum }}{{ bare|tojson }}",
    "{% for a, b in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}{{ {'a': bare}['a'] }}{{ bare|indent }}",
    "{{ ' '.join(bare.split()) }}{{ bare.splitlines()|map('trim')|join('\n- ') }}",
])  # fmt: skip
def test_what_templates_are_for_goes_on(text: str) -> None:
    import jinja2

    assert told(text) == []
    long = {**QA, "context": "Anna is in Rome. " * 20_000}
    for fields in (QA, long):
        expected = jinja2.Environment(keep_trailing_newline=True).from_string(text)
        made = Template(written(text), task("qa")).render(fields)
        assert made == expected.render(bare=bare_text(fields), **fields)
