"""README.md of a run folder: what it is, how to load it without Tunebook, scores, limits."""

from __future__ import annotations

from typing import Any

from tunebook.models.facts import ModelFacts
from tunebook.settings.schema import Settings

AUTO = {"encoder-decoder": "AutoModelForSeq2SeqLM", "decoder-only": "AutoModelForCausalLM"}


def card_text(settings: Settings, facts: ModelFacts, metrics: dict[str, Any]) -> str:
    """The model card in Markdown."""
    head = metrics["headline"]
    low, high = head["interval"]
    return f"""\
# {settings.task.name} with {settings.method.name} on {settings.model.name}

{_what(settings, metrics)}

| | before | after |
|---|---|---|
{_rows(metrics)}

`{head["name"]}` after, on {metrics["examples"]["test"]} test examples: {head["value"]:.2f}, \
95 % bootstrap interval {low:.2f} to {high:.2f}. The model was selected on the validation split.

{_loading(settings, facts)}

## What the model reads

Template `{settings.template.name}`: `{settings.template.text!r}`{_separator(settings, facts)}

## Data

{settings.data.name}: {metrics["examples"]["train"]} training, \
{metrics["examples"]["validation"]} validation and {metrics["examples"]["test"]} test examples. \
Licence: {settings.data.license or "unknown"}.

## Limits

The scores hold for this data, template and decoding, and for one seed. Licence of the base \
model: {settings.model.license or "unknown"}.

Run again: `python -m recipes.run recipe=THIS_FOLDER`
"""


def _what(settings: Settings, metrics: dict[str, Any]) -> str:
    counts = metrics["parameters"]
    if not metrics["adapter_bytes"]:
        return f"A baseline: {settings.model.name} as it is, nothing trained."
    return (
        f"{counts['trainable']:,} of {counts['total']:,} parameters trained "
        f"({metrics['adapter_bytes']:,} bytes), seed {settings.seed}."
    )


def _rows(metrics: dict[str, Any]) -> str:
    before, after = metrics["before"], metrics["after"]
    return "\n".join(f"| {name} | {before[name]:.2f} | {after[name]:.2f} |" for name in after)


def _loading(settings: Settings, facts: ModelFacts) -> str:
    auto, base = AUTO[facts.family], settings.model.path
    if settings.method.kind == "baseline":
        return ""
    if settings.method.kind == "full":
        code = f'model = {auto}.from_pretrained("model")'
    else:
        code = (
            f'base = {auto}.from_pretrained("{base}")\n'
            'model = PeftModel.from_pretrained(base, "adapter")'
        )
    embedded = (
        "\n`tunebook:NAME` is a folder inside the package, `tunebook/models/embedded/NAME`.\n"
        if str(base).startswith("tunebook:")
        else ""
    )
    return f"""## Load it without Tunebook

```python
from peft import PeftModel
from transformers import {auto}

{code}
```
{embedded}"""


def _separator(settings: Settings, facts: ModelFacts) -> str:
    if facts.family == "encoder-decoder":
        return ""
    return f", then the separator `{settings.template.separator!r}`"
