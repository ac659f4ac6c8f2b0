"""What is allowed but seldom meant, each with what to do instead; no data and no weights are read.

A run says these as warnings; `recipes.book doctor` and `show` say them before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tunebook.errors import Problem
from tunebook.languages import NAMES, name_of
from tunebook.models.facts import PREFIX, ModelFacts
from tunebook.schema import Settings

Rule = Callable[[Settings, ModelFacts | None], Iterator[Problem]]
T5_LIKE = ("t5", "mt5", "umt5", "longt5")
ADAPTED = re.compile(r"lm[-_]?adapt|flan|t0|tk[-_]instruct|ul2", re.IGNORECASE)
TALKS = re.compile(r"[-_](instruct|chat|it)\b", re.IGNORECASE)
NOTICED_DECAY = 1e-3
NOT_IN_T5 = ("zh", "ja", "ko", "ru", "ar", "hi", "th", "he", "el")


def advice(settings: Settings, facts: ModelFacts | None) -> list[Problem]:
    """What every rule finds; `facts` are None for a model that is not on this machine."""
    return [problem for rule in RULES for problem in rule(settings, facts)]


def _learning_rate(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    rate, usual = settings.training.learning_rate, settings.method.usual_learning_rate
    if not usual or rate is None or usual[0] <= rate <= usual[1]:
        return
    name, (low, high) = settings.method.name, usual
    key = "training.learning_rate"
    what = f"{rate:g} is far outside what {name} needs: {low:g} to {high:g}"
    yield Problem(key, what, f"Leave it out to take the default of {name} for the model.")


def _adapted(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    """Lester et al. 2021 (arXiv 2104.08691), figure 3: span corruption alone is a poor base."""
    path = settings.model.path or ""
    kind = facts.model_type if facts else path.rpartition("/")[2].partition("-")[0].lower()
    if path.startswith(PREFIX) or ADAPTED.search(path):
        return
    if settings.method.is_soft_prompt and kind in T5_LIKE:
        what = f"{path} does not seem to be LM-adapted, and prompt tuning works poorly on such a T5"
        yield Problem("model", what, "Choose model=t5_small_lm_adapt or method=lora.")


def _room_for_text(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    taken, context = settings.method.virtual_tokens, facts.context if facts else None
    if context and taken > context / 2:
        what = f"{taken} of the model's {context} positions leave less than half for text"
        yield Problem("method.num_virtual_tokens", what, "Lower it; 20 are often enough.")


def _decay(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    if settings.method.virtual_tokens and (settings.training.weight_decay or 0) > NOTICED_DECAY:
        what = f"{settings.training.weight_decay:g} pulls the learned vectors towards zero"
        yield Problem("training.weight_decay", what, "Leave it out: soft prompts use none.")


def _warm_up(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    steps, warm_up = settings.training.max_steps, settings.training.warmup_steps
    if steps and warm_up >= steps:
        what = f"{warm_up} of {steps} steps: the learning rate never reaches its value"
        yield Problem("training.warmup_steps", what, f"Set at most {steps // 10}.")


def _epochs(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    steps, epochs = settings.training.max_steps, settings.training.num_train_epochs
    if steps and epochs:
        what = f"{epochs:g} plays no part beside training.max_steps={steps}"
        yield Problem("training.num_train_epochs", what, "Leave one of them out (null).")


def _half_precision(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    """T5's activations exceed 65504 in places: huggingface/transformers, issue 4586."""
    if settings.model.dtype == "float16" and facts and facts.model_type in T5_LIKE:
        what = "T5 overflows in float16, and the loss becomes no number"
        yield Problem("model.dtype", what, "Use bfloat16, or float32.")


def _ignored_text(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    init, text = (getattr(settings.method, name, None) for name in ("init", "init_text"))
    if text and init != "text":
        what = f"plays no part with method.init={init}"
        yield Problem("method.init_text", what, "Set method.init=text.")


def _beams(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    penalty, beams = settings.decoding.length_penalty, settings.decoding.num_beams
    if beams == 1 and penalty != 1.0:
        what = f"{penalty:g} plays no part with one beam"
        yield Problem("decoding.length_penalty", what, "Set decoding.num_beams to 2 or more.")


def _chat_model(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    path = settings.model.path or ""
    if TALKS.search(path.rpartition("/")[2]):
        what = f"{path} expects a chat template, and gets the bare text"
        yield Problem("model.path", what, "Give the base model of the same name.")


def _language_of_model(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    path, language = settings.model.path or "", settings.task.language
    is_t5 = facts.model_type == "t5" if facts else "/t5-" in path or "/flan-t5" in path
    if is_t5 and not path.startswith(PREFIX) and language in NOT_IN_T5:
        what = f"T5's vocabulary has no characters of the language {language}"
        yield Problem("model", what, "Choose model=mt5_small or model=qwen3_0_6b.")


def _direction(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    source = getattr(settings.task, "source_language", None)
    if source == settings.task.language and settings.task.name == "translate":
        what = f"is {source}, as the source's is"
        yield Problem("task.language", what, "Set the language of the translations.")


def _instruction_language(settings: Settings, facts: ModelFacts | None) -> Iterator[Problem]:
    """An instruction of a data set's or a run's own may be for another language."""
    source = name_of(getattr(settings.task, "source_language", ""))
    target, text = name_of(settings.task.language), settings.task.instruction or ""
    named = {name for name in NAMES.values() if re.search(rf"\b{re.escape(name)}\b", text)}
    if source and target and named - {source} and target not in named:
        others = ", ".join(sorted(named - {source}))
        what = f"names {others}, and task.language is {settings.task.language}"
        yield Problem("task.instruction", what, f"Let it name {target}.")


RULES: tuple[Rule, ...] = (
    _learning_rate,
    _adapted,
    _room_for_text,
    _decay,
    _warm_up,
    _epochs,
    _half_precision,
    _ignored_text,
    _beams,
    _chat_model,
    _language_of_model,
    _direction,
    _instruction_language,
)
