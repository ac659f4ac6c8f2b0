"""The text behind --help: every group with its options, every key with its type and meaning."""

from __future__ import annotations

import dataclasses

from tunebook import folders
from tunebook.settings.reading import every_key

HEAD = """\
{module} tunes a language model and scores it before and after.

  python -m {module} task=summarize method=prompt
  python -m {module} recipe=NAME training.max_steps=200
  python -m {module} -m method=prompt,lora seed=0,1,2
  python -m {module} sweep=NAME

Flags: --help, --cfg job (show the settings; with --resolve, every gap filled), -m (several runs).
Exit codes: 0 done, 1 a run failed, 2 the request was wrong.
"""


def help_text(module: str) -> str:
    """Everything that can be set, for a terminal."""
    groups = "\n".join(_group(group) for group in folders.groups())
    keys = "\n".join(_key(where, field) for where, field in every_key())
    head = HEAD.format(module=module)
    sweeps = _group("sweep")
    return (
        f"{head}\nOptions, as GROUP=NAME:\n{groups}\n\n"
        f"Several runs that belong together; a key that is typed too counts as typed:\n{sweeps}\n\n"
        f"Keys, as KEY=VALUE:\n{keys}"
    )


def _group(group: str) -> str:
    lines = [f"\n  {group}"]
    for name, file in folders.options(group).items():
        lines.append(f"    {name:<22} {folders.first_line(file)}")
    return "\n".join(lines)


def _key(where: str, field: dataclasses.Field) -> str:
    shown = f"  {where} ({_type_name(where, field)}{_default(field)})"
    return f"{shown}\n      {field.metadata.get('description', '')}{_allowed(field)}"


def _type_name(where: str, field: dataclasses.Field) -> str:
    kind = field.type if isinstance(field.type, type) else str(field.type)
    name = kind.__name__ if isinstance(kind, type) else kind
    return name.replace("dict[str, Any]", "KEY=VALUE").replace(" | None", " or null")


def _default(field: dataclasses.Field) -> str:
    if field.default is dataclasses.MISSING or field.default is None:
        return ""
    return f", {field.default!r}"


def _allowed(field: dataclasses.Field) -> str:
    rules = field.metadata
    if rules.get("choices"):
        return f" [{', '.join(map(str, rules['choices']))}]"
    bounds = [("at_least", ">="), ("above", ">"), ("below", "<"), ("at_most", "<=")]
    shown = [f"{sign} {rules[rule]:g}" for rule, sign in bounds if rules.get(rule) is not None]
    return f" [{', '.join(shown)}]" if shown else ""
