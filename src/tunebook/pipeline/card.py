"""README.md of a run folder: what it is, how to load it without Tunebook, scores, limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tunebook.counting import counted
from tunebook.models.facts import ModelFacts
from tunebook.schema import Settings

AUTO = {"encoder-decoder": "AutoModelForSeq2SeqLM", "decoder-only": "AutoModelForCausalLM"}


def card_text(settings: Settings, facts: ModelFacts, metrics: dict[str, Any]) -> str:
    """The model card in Markdown."""
    head = metrics["headline"]
    return f"""\
# {settings.task.name} with {settings.method.name} on {settings.model.name}

{_what(settings, metrics)}

{_scores(metrics)}

`{head["name"]}` after, on {counted(metrics["examples"]["test"], "test example")}: \
{head["value"]:.2f}{_interval(head["interval"])}. The model was selected on the validation split.

{_loading(settings, facts)}

## What the model reads

Template `{settings.template.name}`: `{settings.template.text!r}`{_separator(settings, facts)}

## Data

{settings.data.name}: {metrics["examples"]["train"]} training, \
{metrics["examples"]["validation"]} validation and {metrics["examples"]["test"]} test examples. \
Licence: {settings.data.license or "unknown"}.

## Limits

The scores hold for this data, template and decoding, and for one seed: another seed gives other \
scores, which no interval over test examples counts. Licence of the base \
model: {settings.model.license or "unknown"}.

Run again: `python -m recipes.run recipe=THIS_FOLDER`
"""


def _interval(known: list[float] | None) -> str:
    if not known:
        return ""
    return f", 95 % bootstrap interval over these examples {known[0]:.2f} to {known[1]:.2f}"


def _what(settings: Settings, metrics: dict[str, Any]) -> str:
    counts = metrics["parameters"]
    if not metrics["adapter_bytes"]:
        return f"A baseline: {settings.model.name} as it is, nothing trained."
    return (
        f"{counts['trainable']:,} of {counts['total']:,} parameters trained "
        f"({metrics['adapter_bytes']:,} bytes), seed {settings.seed}."
    )


def _scores(metrics: dict[str, Any]) -> str:
    columns = [name for name in ("before", "instruction", "after") if name in metrics]
    head = [["", *columns], ["---"] * (len(columns) + 1)]
    rows = [[metric, *(f"{metrics[name][metric]:.2f}" for name in columns)]
            for metric in metrics["after"]
            if all(metric in metrics[name] for name in columns)]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in head + rows) + _meaning(columns)


def _meaning(columns: Sequence[str]) -> str:
    if "instruction" not in columns:
        return ""
    return "\n\n`instruction` is the untouched model with the task's instruction above the fields."


def _loading(settings: Settings, facts: ModelFacts) -> str:
    if not settings.method.trains:
        return ""
    auto = AUTO[facts.family]
    lines = [f"from transformers import {auto}", "", _where(facts), ""]
    if settings.method.trains_base:
        lines.append(f'model = {auto}.from_pretrained("RUN_FOLDER/model")')
    else:
        lines.insert(0, "from peft import PeftModel")
        lines.append(f'base = {auto}.from_pretrained("{_base(facts)}")')
        lines.append('model = PeftModel.from_pretrained(base, "RUN_FOLDER/adapter")')
    code = "\n".join(lines)
    return f"## Load it without Tunebook\n\n```python\n{code}\n```\n{_padding(settings, facts)}"


def _where(facts: ModelFacts) -> str:
    text = "# RUN_FOLDER: the folder that holds this card"
    if facts.path.startswith("tunebook:"):
        text += "; start in the root of Tunebook's clone, which holds the base"
    return text


def _base(facts: ModelFacts) -> str:
    """A path that works without Tunebook: an embedded model is a folder of its repository."""
    name = facts.path.removeprefix("tunebook:")
    return facts.path if name == facts.path else f"src/tunebook/models/embedded/{name}"


def _padding(settings: Settings, facts: ModelFacts) -> str:
    if not settings.method.is_soft_prompt or facts.family == "encoder-decoder":
        return ""
    return """
Generate for one input at a time there: PEFT's own batched generation is wrong for soft prompts of \
decoder-only models, because it puts the padding between prompt and text.
"""


def _separator(settings: Settings, facts: ModelFacts) -> str:
    if facts.family == "encoder-decoder":
        return ""
    return f", then the separator `{settings.template.separator!r}`"
