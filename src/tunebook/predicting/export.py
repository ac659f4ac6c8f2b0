"""A trained soft prompt as a stock PEFT prefix adapter: the keys and values it compiles to.

A decoder-only model reads its prompt first and never sees the text from there, so each layer's keys
and values of the prompt are fixed numbers. PEFT's prefix tuning holds just such numbers, and its
batched generation numbers positions rightly, which it does not for soft prompts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import report
from tunebook.errors import Problem, RequestError
from tunebook.models.facts import ModelFacts
from tunebook.predicting.finished import FinishedRun
from tunebook.runs.files import give_usual_rights
from tunebook.settings import Resolved, Settings

if TYPE_CHECKING:
    from tunebook.models.base import Base, Say

FOLDER = "prefix"


def export_prefix(
    folder: str | Path, output: str | Path | None = None, *,
    model: str | None = None, say: Say = report.say,
) -> Path:  # fmt: skip
    """Write the soft prompt of the run in `folder` as a prefix-tuning adapter; returns its folder.

    `output` defaults to RUN/prefix; `model` names the base model where it has moved. Raises
    RequestError, with nothing written, for a run that has no such prompt.
    """
    run = FinishedRun.read(folder)
    target = Path(output).expanduser() if output else run.path / FOLDER
    if problems := [*_wrong_method(run), *_already_there(target)]:
        raise RequestError(problems)
    resolved = run.resolved(model)
    if resolved.facts.family != "decoder-only":
        raise RequestError(_no_prefix(run, f"{resolved.facts.path} is an {resolved.facts.family}"))
    with _known_warnings_hidden():
        base, prompted = load_prompted(run, resolved, say)
        prefixed = with_prefix(prompted, run)
        _save(prefixed, target, run, resolved.settings, resolved.facts, base)
        difference = _difference(prompted, prefixed, base)
    say(f"largest difference of the logits on one text: {difference:.1e}")
    return target


def with_prefix(prompted: Any, run: FinishedRun) -> Any:
    """A stock prefix-tuning model over the base of `prompted`, a model with a soft prompt.

    Raises RequestError where the base's keys and values do not fit PEFT's prefix.
    """
    import torch
    from peft import (
        PrefixTuningConfig,
        get_peft_model,
        initialize_kv_prefix_from_past_key_values,
    )

    from tunebook.engine import cannot_share, layers_of, prompt_cache
    from tunebook.methods.parts.shapes import sizes_of

    if reason := cannot_share(prompted):
        raise RequestError(_no_prefix(run, reason))
    with torch.no_grad():
        pairs = layers_of(prompt_cache(prompted))
    sizes: dict[str, Any] = sizes_of(pairs)
    config = PrefixTuningConfig(
        task_type="CAUSAL_LM",
        num_virtual_tokens=prompted.active_peft_config.num_virtual_tokens,
        **sizes,
    )
    try:
        model = get_peft_model(prompted.get_base_model(), config)
        initialize_kv_prefix_from_past_key_values(model, past_key_values=pairs)
    except ValueError as refusal:
        raise RequestError(_no_prefix(run, f"PEFT says: {refusal}")) from refusal
    return model.eval()


def _wrong_method(run: FinishedRun) -> list[Problem]:
    method = run.settings.method
    if method.is_soft_prompt:
        return []
    what = f"is a run of method {method.name}; only a soft prompt can become a prefix"
    return [Problem(str(run.path), what, "Give a run of method=prompt or method=p_tuning.")]


def _already_there(target: Path) -> list[Problem]:
    if not target.exists():
        return []
    return [Problem(str(target), "is there already", "Give another folder with --output.")]


def _no_prefix(run: FinishedRun, why: str) -> Problem:
    what = f"this prompt has no keys and values of its own ({why})"
    return Problem(str(run.path), what, "Use its adapter/ with python -m recipes.predict.")


@contextmanager
def _known_warnings_hidden() -> Iterator[None]:
    """Hide what the libraries say of their own code: none of it is for the user to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
        warnings.filterwarnings("ignore", category=UserWarning, module="peft")
        yield


def load_prompted(run: FinishedRun, resolved: Resolved, say: Say) -> tuple[Base, Any]:
    """The base of a run and, around it, the stock PEFT model with the run's adapter."""
    from peft import PeftModel

    from tunebook.engine import load

    base = load(resolved.settings.model, resolved.facts, say)
    assert run.weights is not None
    try:
        return base, PeftModel.from_pretrained(base.model, run.weights).eval()
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "")[:300]
        what = f"the adapter cannot be loaded ({type(error).__name__}: {reason})"
        raise RequestError(Problem(str(run.weights), what)) from error


def _save(
    model: Any, target: Path, run: FinishedRun, settings: Settings, facts: ModelFacts, base: Base
) -> None:
    model.active_peft_config.base_model_name_or_path = facts.path
    model.save_pretrained(target, save_embedding_layers=False)
    text = _readme(run, settings, facts, model.active_peft_config.num_virtual_tokens, base)
    (target / "README.md").write_text(text, encoding="utf-8")
    give_usual_rights(target)


def _difference(prompted: Any, prefixed: Any, base: Base) -> float:
    """The largest difference of logits on a short text, unpadded: stock PEFT in both cases."""
    import torch

    words = [token for token in range(3, 23) if token not in base.tokenizer.all_special_ids]
    ids = torch.tensor([words], device=base.model.device)
    with torch.no_grad():
        wanted = prompted(input_ids=ids).logits[:, -len(words) :]
        return float((prefixed(input_ids=ids).logits - wanted).abs().max())


def _readme(
    run: FinishedRun, settings: Settings, facts: ModelFacts, virtual: int, base: Base
) -> str:
    name = facts.path.removeprefix("tunebook:")
    path = facts.path if name == facts.path else f"src/tunebook/models/embedded/{name}"
    return f"""\
# {settings.task.name}: a soft prompt of {settings.model.name}, as a prefix

The keys and values that the {virtual} vectors of `{run.path.name}` give in every layer, as a PEFT \
prefix-tuning adapter ({base.dtype}). Same answers as the soft prompt, and stock PEFT generates \
them in batches.

```python
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = AutoModelForCausalLM.from_pretrained("{path}", dtype="{base.dtype}")
tokenizer = AutoTokenizer.from_pretrained("{path}", padding_side="left")
if tokenizer.pad_token is None:
    tokenizer.pad_token = tokenizer.eos_token
model = PeftModel.from_pretrained(base, "THIS_FOLDER")
texts = tokenizer(["…", "…"], return_tensors="pt", padding=True)
made = model.generate(**texts, max_new_tokens={settings.decoding.max_new_tokens}, do_sample=False)
```

The model reads the template `{settings.template.text!r}`, then the separator \
`{settings.template.separator!r}`.

Licence of the base model: {settings.model.license or "unknown"}.
"""
