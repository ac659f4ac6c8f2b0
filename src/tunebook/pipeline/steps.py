"""The steps of a run, in the order in which recipes/run.py takes them.

    plan = steps.plan(settings)                          # gaps filled, everything checked
    examples = steps.load_data(plan)
    with steps.open_run(plan, examples) as folder:       # locked; failures are written into it
        base = steps.load_base(plan)
        rows = steps.encode(plan, examples, base)        # token ids
        steps.begin(plan, folder, base, rows)            # settings.yaml, environment.json
        answers = steps.answer_untouched(plan, base, rows.test)
        before = steps.score(plan, examples, rows.test, answers)
        model = steps.attach(plan, base)                 # the method's parameters in the base
        trained = steps.train(plan, folder, model, base, rows)
        ...                                              # answer and score once more, save

Importing this loads no torch; most steps do. All raise RequestError for a wrong request.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import data, methods, report, tasks
from tunebook.errors import RequestError
from tunebook.events import Frame
from tunebook.memory import forget_peak_memory
from tunebook.models.base import check as check_machine
from tunebook.models.facts import content_of
from tunebook.pipeline.failures import failures_recorded, variables_restored
from tunebook.runs import RunFolder, open_folder, path_of
from tunebook.runs.environment import environment
from tunebook.runs.fingerprint import digest, fingerprint
from tunebook.runs.whole import RUN_FILES
from tunebook.schema import Settings
from tunebook.settings.resolve import Resolved, resolve
from tunebook.templates.template import check_on_rows

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.pipeline.scoring import Answers, Scored
    from tunebook.text import EncodedRows, Rows
    from tunebook.training import TokenLosses, Trained

Say = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """A finished run: its folder and what metrics.json holds; `fresh` if it ran just now."""

    folder: Path
    metrics: dict[str, Any]
    fresh: bool = True


@dataclass
class Plan:
    """What is to be run, without gaps.

    model_content: digits over the base model's files. say: gets one line for each automatic choice.
    seconds: what each phase has taken so far.
    """

    resolved: Resolved
    model_content: str
    say: Say
    began: float
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings, without gaps."""
        return self.resolved.settings

    @property
    def trains(self) -> bool:
        """Whether the method trains anything; a baseline does not."""
        return self.settings.method.trains

    @contextmanager
    def timed(self, phase: str) -> Iterator[None]:
        """Add the time spent inside to `seconds[phase]`."""
        began = time.monotonic()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began


@dataclass(frozen=True)
class EncodedSplits:
    """The examples of a run as token ids; train and validation are empty for a baseline."""

    train: Rows
    validation: EncodedRows
    test: EncodedRows


@dataclass(frozen=True)
class Finished:
    """What a run came to, before it is written.

    trained: None for a baseline. instruction: the untouched model's scores with the instruction.
    """

    model: Any
    base: Base
    test: EncodedRows
    before: Scored
    after: Scored
    trained: Trained | None = None
    instruction: Mapping[str, float] | None = None


def plan(settings: Settings, say: Say = report.say, *, with_test: bool = True) -> Plan:
    """Fill the gaps of `settings` and say what was chosen; nothing is loaded yet.

    with_test: whether the test split will be read. Raises RequestError with every problem found.
    """
    began = time.monotonic()
    resolved = resolve(settings)
    if problems := check_machine(resolved.settings.model, resolved.facts):
        raise RequestError(problems)
    data.check_files(resolved.settings.data, with_test=with_test)
    made = Plan(resolved, content_of(settings.model), say, began)
    say(report.headline(made.settings))
    for key, origin in resolved.origins.items():
        if made.trains or not key.startswith("training."):
            say(report.choice(made.settings, key, origin))
    for warning in resolved.warnings:
        say(f"warning: {warning}")
    made.seconds["load"] = time.monotonic() - began
    return made


def load_data(plan: Plan, load: Callable[..., data.Examples] = data.load) -> data.Examples:
    """The examples of all splits, each one read by the task and shown by the template once."""
    with plan.timed("load"):
        settings, task = plan.settings, tasks.task_of(plan.settings.task)
        examples = load(settings.data, task, plan.say)
        for split in (examples.train, examples.test):
            if len(split):
                tasks.check(task, split[0])
        splits = (examples.train, examples.validation, examples.test)
        check_on_rows(settings.template, task, *splits)
    return examples


def folder_of(plan: Plan, examples: data.Examples) -> Path:
    """Where the run is, or will be."""
    name = fingerprint(plan.settings, examples.fingerprint, plan.model_content)
    return path_of(plan.settings, name)


@contextmanager
def open_run(plan: Plan, examples: data.Examples) -> Iterator[RunFolder]:
    """The folder of the run, locked; with `again=true` emptied. What fails inside is written there.

    Raises RequestError where another process works in it, and RunFailed for what fails inside.
    """
    with open_folder(folder_of(plan, examples)) as folder:
        if plan.settings.again:
            folder.empty()
        if folder.complete:
            yield folder
            return
        forget_peak_memory()
        with failures_recorded(folder, plan.settings), variables_restored():
            yield folder
    plan.say(Frame(f"done in {time.monotonic() - plan.began:.0f} s: {folder.path}"))


def load_base(plan: Plan) -> Base:
    """The frozen base model, on which the method has been tried; in a sweep, the one kept from the
    run before."""
    with plan.timed("load"):
        base = untried_base(plan)
        check_method(base, plan.settings)
    return base


def untried_base(plan: Plan) -> Base:
    """The frozen base model."""
    from tunebook.engine import prepare
    from tunebook.models import keeping
    from tunebook.models.base import enable_checkpointing
    from tunebook.models.special_tokens import speaking

    settings = plan.settings
    base = keeping.bare_base(
        digest([plan.model_content, *keeping.what_is_loaded(settings.model)]),
        lambda: _bare_base(plan),
        weights_are_trained=settings.method.trains_base,
    )
    if settings.model.gradient_checkpointing:
        enable_checkpointing(base.model)
    return speaking(prepare(base, settings.model.matmul, plan.say), settings.task)


def _bare_base(plan: Plan) -> Base:
    from tunebook.models.base import load

    base = load(plan.settings.model, plan.resolved.facts, plan.say)
    if plan.settings.model.quantization != "none":
        from peft import prepare_model_for_kbit_training

        base.model = prepare_model_for_kbit_training(base.model, use_gradient_checkpointing=False)
    return base


def check_method(base: Base, settings: Settings) -> None:
    """Raise RequestError where the method cannot be attached, trained or decoded with."""
    from tunebook.engine import check_decoding

    check_decoding(base.model, base, settings.decoding)
    methods.check(base, settings, lambda model: check_decoding(model, base, settings.decoding))


def encode(plan: Plan, examples: data.Examples, base: Base) -> EncodedSplits:
    """Train, validation and test as token ids; says what was cut."""
    from tunebook.text import Encoder, encode_rows, rows_to_train_on

    with plan.timed("load"):
        encoder = Encoder(plan.settings, base)
        share, say = plan.settings.data.max_skipped_share, plan.say
        train = examples.train if plan.trains else []
        validation = examples.validation if plan.trains else []
        return EncodedSplits(
            rows_to_train_on(encoder, train, share, say),
            encode_rows(encoder, validation, "validation", share, say),
            encode_rows(encoder, examples.test, "test", share, say, to_answer=True),
        )


def check_ahead(plan: Plan, base: Base, rows: EncodedSplits) -> None:
    """Raise RequestError for what would be refused only after training or scoring."""
    from tunebook.pipeline.scoring import check_metrics
    from tunebook.training import check

    with plan.timed("load"):
        check_metrics(plan.settings)
        if plan.trains:
            check(plan.settings, base, len(rows.train))


def begin(plan: Plan, folder: RunFolder, base: Base, rows: EncodedSplits) -> None:
    """Look ahead, then write what is known before the work: settings.yaml and environment.json."""
    check_ahead(plan, base, rows)
    write_origin(plan, folder, base)


def write_origin(plan: Plan, folder: RunFolder, base: Base) -> None:
    """settings.yaml, and environment.json: what the run is made with."""
    import torch

    named = torch.cuda.get_device_name() if base.device.startswith("cuda") else base.device
    made_with = environment(base.device, base.dtype, named, torch.get_num_threads())
    content = {"matmul": base.matmul, "model_content": plan.model_content}
    folder.begin(plan.settings, {**made_with, **content})


def answer_untouched(plan: Plan, base: Base, test: EncodedRows) -> Answers:
    """The untouched base's answers, computed once for all runs that share them."""
    from tunebook.pipeline.scoring import answer_of_base

    with plan.timed("evaluate"), report.progress("before", len(test)) as advance:
        return answer_of_base(base, test, plan.settings, plan.model_content, advance, plan.say)


def score_instruction(
    plan: Plan, examples: data.Examples, base: Base, test: EncodedRows
) -> dict[str, float] | None:
    """What the untouched base scores with the task's instruction; None where that is not asked."""
    from tunebook.pipeline import plain_prompt

    with plan.timed("evaluate"):
        return plain_prompt.scores(plan, examples, base, test)


def attach(plan: Plan, base: Base) -> Any:
    """The base model with the method's parameters, their start drawn from the seed.

    A baseline's is the base model itself.
    """
    from tunebook.training.trainer import seed_everything

    if not plan.trains:
        return base.model
    seed_everything(plan.settings.seed)
    return methods.attach(base, plan.settings, plan.say)


def train(
    plan: Plan, folder: RunFolder, model: Any, base: Base, rows: EncodedSplits,
    loss: TokenLosses | None = None,
) -> Trained | None:  # fmt: skip
    """`model` trained in place, resumed where it was cut off; None for a baseline.

    loss: (logits (tokens, vocabulary), labels (tokens,)) -> the loss of each target token
    (tokens,); cross-entropy where not given. The best values are those of the lowest
    cross-entropy on the validation split in any case.
    """
    from tunebook.training import train as train_model

    if not plan.trains:
        return None
    plan.say(report.parameters(model))
    trained = train_model(
        model, base, rows.train, rows.validation, plan.settings, folder.path, plan.say,
        quiet=report.is_heard() or not sys.stderr.isatty(), loss=loss,
    )  # fmt: skip
    plan.seconds["train"] = trained.seconds
    return trained


def answer(plan: Plan, model: Any, base: Base, test: EncodedRows) -> Answers:
    """One answer of `model` to each test example."""
    from tunebook.pipeline import scoring

    with plan.timed("evaluate"), report.progress("after", len(test)) as advance:
        return scoring.answer(model, base, test, plan.settings, advance, plan.say)


def score(plan: Plan, examples: data.Examples, test: EncodedRows, answers: Answers) -> Scored:
    """What `answers` to the test examples are worth by the task's metrics."""
    from tunebook.pipeline.scoring import assess

    with plan.timed("evaluate"):
        return assess(answers, [examples.test[i] for i in test.rows], plan.settings)


def save(plan: Plan, folder: RunFolder, examples: data.Examples, found: Finished) -> Result:
    """Adapter, predictions, scores and model card, the status last."""
    from tunebook.pipeline import saving

    return Result(folder.path, saving.save(plan, folder, examples, found))


def finished(plan: Plan, folder: RunFolder) -> Result:
    """A finished run answered from its folder.

    Raises RequestError where a file of it does not open any more.
    """
    weights = plan.settings.method.weights_folder
    if faults := folder.faults([*RUN_FILES, *([weights] if weights else [])]):
        remedy = "The run was finished, but is broken now: again=true runs it again."
        raise RequestError([replace(one, remedy=remedy) for one in faults])
    found = f"its scores are read from {folder.path} (again=true runs it again)"
    plan.say(Frame(f"this run is finished; {found}"))
    for difference in folder.older_versions():
        plan.say(f"warning: it was made with {difference}")
    assert folder.metrics is not None
    return Result(folder.path, folder.metrics, fresh=False)
