"""One run, from settings to a finished folder. Read `run` for the whole flow."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import data, methods, report, tasks
from tunebook.errors import RequestError, RunFailed
from tunebook.events import Frame
from tunebook.memory import forget_peak_memory
from tunebook.models.base import check as check_machine
from tunebook.models.facts import content_of
from tunebook.plugins import place_of
from tunebook.runs import RunFolder, open_folder, path_of
from tunebook.runs.environment import environment
from tunebook.runs.fingerprint import digest, fingerprint
from tunebook.runs.whole import RUN_FILES
from tunebook.settings import Resolved, Settings, resolve
from tunebook.settings.checks import virtual_tokens
from tunebook.system import is_full_memory, problem_of
from tunebook.tasks import task_of
from tunebook.templates.template import check_on_rows

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.pipeline.scoring import Answers
    from tunebook.text import EncodedRows, Rows
    from tunebook.training import Trained

Say = Callable[[str], None]


@dataclass(frozen=True)
class Result:
    """A finished run: its folder and what metrics.json holds; `fresh` if it ran just now."""

    folder: Path
    metrics: dict[str, Any]
    fresh: bool = True


@dataclass
class Work:
    """What the steps of a run share."""

    resolved: Resolved
    examples: data.Examples
    model_content: str
    say: Say
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings, without gaps."""
        return self.resolved.settings

    @contextmanager
    def timed(self, phase: str) -> Any:
        """Add the time spent inside to `seconds[phase]`."""
        started = time.monotonic()
        yield
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - started


def run(settings: Settings, say: Say = report.say) -> Result:
    """Train, score and save what `settings` describe; a finished run is answered from its folder.

    With `settings.tune.trials` a search comes first, and its winner is what is run.
    `say` gets one line for each automatic choice. Raises RequestError when the request is wrong,
    with every problem found and nothing written, and RunFailed when the run could not finish.
    """
    if settings.tune.trials is not None:
        from tunebook.search import run_with_search

        return run_with_search(settings, say)
    started = time.monotonic()
    work = prepare(settings, say)
    name = fingerprint(work.settings, work.examples.fingerprint, work.model_content)
    path = path_of(work.settings, name)
    if settings.dry_run:
        return _rehearse(work, path)
    with open_folder(path) as folder:
        if settings.again:
            folder.empty()
        if folder.complete:
            return _answer_from(folder, work.settings, say)
        with failures_recorded(folder, work.settings), variables_restored():
            metrics = _work(work, folder)
    say(Frame(f"done in {time.monotonic() - started:.0f} s: {folder.path}"))
    return Result(folder.path, metrics)


def prepare(settings: Settings, say: Say, load: Callable[..., data.Examples] = data.load) -> Work:
    """Fill the gaps, read the data: everything that can be wrong is found here."""
    started = time.monotonic()
    resolved = resolve(settings)
    if problems := check_machine(resolved.settings.model, resolved.facts):
        raise RequestError(problems)
    data.check_files(resolved.settings.data, with_test=load is data.load)
    say(report.headline(resolved.settings))
    trains = methods.trains(resolved.settings.method)
    for key, origin in resolved.origins.items():
        if trains or not key.startswith("training."):
            say(report.choice(resolved.settings, key, origin))
    for warning in resolved.warnings:
        say(f"warning: {warning}")
    task = task_of(resolved.settings.task)
    examples = load(resolved.settings.data, task, say)
    for split in (examples.train, examples.test):
        if len(split):
            tasks.check(task, split[0])
    check_on_rows(resolved.settings.template, task, examples.train, examples.validation,
                  examples.test)  # fmt: skip
    work = Work(resolved, examples, content_of(settings.model), say)
    work.seconds["load"] = time.monotonic() - started
    return work


def _work(work: Work, folder: RunFolder) -> dict[str, Any]:
    """The run itself: load, score, train, score again, save."""
    from tunebook.pipeline import plain_prompt, saving
    from tunebook.pipeline.scoring import answer_of_base, assess

    settings, say = work.settings, work.say
    forget_peak_memory()
    with work.timed("load"):
        base = load_base(work)
        check_method(base, settings)
        train, validation, test = encode(work, base)
        check_ahead(work, base, train)
    folder.begin(settings, {**made_with(base), "model_content": work.model_content})
    with work.timed("evaluate"), report.progress("before", len(test)) as tick:
        before = answer_of_base(base, test, settings, work.model_content, tick, say)
    with work.timed("evaluate"):
        instruction = plain_prompt.scores(work, base, test)
    model, trained = base.model, None
    if methods.trains(settings.method):
        model = attach(work, base)
        trained = train_method(model, base, train, validation, work, folder)
    with work.timed("evaluate"):
        after = _answer_after(model, base, test, work, before, trained)
        rows = [work.examples.test[i] for i in test.rows]
        scored = assess(before, rows, settings), assess(after, rows, settings)
    return saving.finish(
        folder, work, base, model, trained, test, (before, after), scored, instruction
    )


def load_base(work: Work) -> Base:
    """The frozen base model, ready to be scored; in a sweep, the one kept from the run before."""
    from tunebook.models import keeping
    from tunebook.models.base import enable_checkpointing, ready
    from tunebook.text import speaking

    settings = work.settings
    base = keeping.bare_base(
        digest([work.model_content, *keeping.what_is_loaded(settings.model)]),
        lambda: _bare_base(work),
        weights_are_trained=settings.method.kind == "full",
    )
    if settings.model.gradient_checkpointing:
        enable_checkpointing(base.model)
    return speaking(ready(base), settings.task)


def _bare_base(work: Work) -> Base:
    from tunebook.models.base import load_bare

    base = load_bare(work.settings.model, work.resolved.facts, work.say)
    if work.settings.model.quantization != "none":
        from peft import prepare_model_for_kbit_training

        base.model = prepare_model_for_kbit_training(base.model, use_gradient_checkpointing=False)
    return base


def check_method(base: Base, settings: Settings) -> None:
    """Raise RequestError where the method cannot be attached, trained or decoded with."""
    from tunebook.engine import check_decoding

    check_decoding(base.model, base, settings.decoding)
    methods.check(base, settings, lambda model: check_decoding(model, base, settings.decoding))


def encode(work: Work, base: Base) -> tuple[Rows, EncodedRows, EncodedRows]:
    """Train, validation and test as token ids; says what was cut."""
    from tunebook.text import Encoder, encode_rows, rows_to_train_on

    encoder = Encoder(work.settings, base)
    share, examples = work.settings.data.max_skipped_share, work.examples
    trains = methods.trains(work.settings.method)
    return (
        rows_to_train_on(encoder, examples.train if trains else [], share, work.say),
        encode_rows(encoder, examples.validation if trains else [], "validation", share, work.say),
        encode_rows(encoder, examples.test, "test", share, work.say, to_answer=True),
    )


def check_ahead(work: Work, base: Base, train: Rows) -> None:
    """Raise RequestError for what would be refused only after training or scoring."""
    from tunebook.pipeline.scoring import check_metrics
    from tunebook.training import check

    check_metrics(work.settings)
    if methods.trains(work.settings.method):
        check(work.settings, base, len(train))


def attach(work: Work, base: Base) -> Any:
    """The base model with the method's parameters, their start drawn from the seed."""
    from tunebook.training.trainer import seed_everything

    seed_everything(work.settings.seed)
    return methods.attach(base, work.settings, work.say)


def train_method(model: Any, base: Base, train: Rows, validation: EncodedRows,
                 work: Work, folder: RunFolder) -> Trained:  # fmt: skip
    """`model` trained on the rows, in its run folder; its seconds are those of every process."""
    from tunebook.training import train as train_model

    work.say(report.parameters(model))
    quiet = report.is_heard() or not sys.stderr.isatty()
    trained = train_model(
        model, base, train, validation, work.settings, folder.path, work.say, quiet=quiet
    )
    work.seconds["train"] = trained.seconds
    return trained


def _answer_after(model: Any, base: Base, test: EncodedRows, work: Work,
                  before: Answers, trained: Trained | None) -> Answers:  # fmt: skip
    from tunebook.pipeline.scoring import answer

    if trained is None:
        return before
    with report.progress("after", len(test)) as tick:
        return answer(model, base, test, work.settings, tick, work.say)


def made_with(base: Base) -> dict[str, Any]:
    """What environment.json says of a run on this base."""
    import torch

    named = torch.cuda.get_device_name() if base.device.startswith("cuda") else base.device
    return {
        **environment(base.device, base.dtype, named, torch.get_num_threads()),
        "matmul": base.matmul,
    }


def _answer_from(folder: RunFolder, settings: Settings, say: Say) -> Result:
    """Raises RequestError where a file of the finished run does not open any more."""
    weights = methods.weights_folder(settings.method)
    if faults := folder.faults([*RUN_FILES, *([weights] if weights else [])]):
        remedy = "The run was finished, but is broken now: again=true runs it again."
        raise RequestError([replace(one, remedy=remedy) for one in faults])
    found = f"its scores are read from {folder.path} (again=true runs it again)"
    say(Frame(f"this run is finished; {found}"))
    for difference in folder.older_versions():
        say(f"warning: it was made with {difference}")
    assert folder.metrics is not None
    return Result(folder.path, folder.metrics, fresh=False)


def _rehearse(work: Work, path: Path) -> Result:
    """A dry run: a little of everything, nothing written."""
    from tunebook.pipeline.dry_run import Splits, rehearse

    forget_peak_memory()
    with failures_told(work.settings), variables_restored():
        with work.timed("load"):
            base = load_base(work)
            check_method(base, work.settings)
            splits = Splits(*encode(work, base))
            check_ahead(work, base, splits.train)
        found = rehearse(work, base, splits, lambda: attach(work, base))
    is_there = RunFolder(path).complete
    work.say(f"dry run: nothing was written; the run would be {path}"
             f"{', which is finished already' if is_there else ''}")  # fmt: skip
    return Result(path, found)


@contextmanager
def failures_recorded(folder: RunFolder, settings: Settings) -> Any:
    """A failure is written into the folder and told in one line; what was reached is kept."""
    try:
        yield
    except (RequestError, KeyboardInterrupt):
        folder.interrupt()
        raise
    except Exception as error:
        reason = _reason(_of_the_folder(folder) or error)
        folder.fail(settings, reason)
        raise RunFailed(_in_a_line(reason, settings), folder.path) from error


@contextmanager
def failures_told(settings: Settings) -> Any:
    """A failure is told in one line where there is no folder to write it into."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        raise RunFailed(_in_a_line(_reason(error), settings)) from error


def _of_the_folder(folder: RunFolder) -> RunFailed | None:
    """Why nothing can be written, where the folder is gone."""
    try:
        folder.check_is_there()
    except RunFailed as error:
        return error
    return None


def _reason(error: Exception) -> str:
    if isinstance(error, RunFailed):
        return error.reason
    if problem := problem_of(error):
        return str(problem)
    if isinstance(error, MemoryError):
        return "MemoryError: out of memory"
    place = place_of(error)
    reason = f"{type(error).__name__}: {error}".strip()
    return f"{place}: {reason}" if place else reason


def _in_a_line(reason: str, settings: Settings) -> str:
    is_memory = is_full_memory(reason)
    return reason.splitlines()[0] + (f". {_remedy(settings)}" if is_memory else "")


def _remedy(settings: Settings) -> str:
    """What lowers the memory most: positions that are learned, rows at a time, the model itself."""
    if virtual_tokens(settings) > settings.template.max_source_tokens:
        return "Lower method.num_virtual_tokens"
    if (settings.training.batch_size or 1) > 1:
        return "Lower training.batch_size and raise training.gradient_accumulation_steps"
    return "Choose a smaller model, or one number format down: model.dtype=bfloat16"


@contextmanager
def variables_restored() -> Any:
    """What the libraries put into the environment of the process ends with the run."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
