"""Several runs from one command: planned, launched, followed, and put into one table."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from recipes import interruption
from recipes.outside import recipes_in
from recipes.request import Request, check_runs, quoted, words_for_hydra
from recipes.trials import PlannedTrial, with_trials
from tunebook import terminal
from tunebook.errors import Problem, RequestError, RunFailed, RunsElsewhere
from tunebook.events import Doing, Frame
from tunebook.schema import Settings
from tunebook.sweep import Outcome, Planned, Scratch, View, compared, summary
from tunebook.sweep.ending import ended, report_written
from tunebook.sweep.scratch import (
    DONE,
    ELSEWHERE,
    FAILED,
    FINISHED_BEFORE,
    REFUSED,
    remove_killed,
)
from tunebook.system import problem_of

Action = Callable[[Settings], object]
Launch = Callable[[list[str], Callable[[Any], object]], None]


def run_all(request: Request, action: Action, launch: Launch) -> list[Outcome]:
    """Run everything that `request` asks for and print the table. Returns an outcome a run.

    A trial of a search that fails is told, and is no failure of the sweep.
    launch: hands words and a job to Hydra, whose launcher calls the job with each run's settings.
    Raises RequestError where any run would be refused, before the first begins.
    """
    from tunebook.models import keeping

    runs, varied = plan_of(request)
    plan, phases = with_trials(runs)
    outputs = Path(plan[0].settings.outputs)
    remove_killed(outputs)
    scratch = Scratch.make(outputs, [one.words for one in plan], phases)
    words = [*request.for_launcher(), f"hydra.sweep.dir={quoted(str(scratch.path))}"]
    view = View(scratch, [one.label for one in plan], [_alike(one) for one in plan])
    well = True
    try:
        with keeping.one_base(), recipes_in(scratch.path / "conf"), view:
            launch(words, Job(action))
        outcomes = ended(plan, scratch.read())
        well = all(one.is_well or one.state == REFUSED for one in outcomes)
        trials = [one for one in outcomes if isinstance(plan[one.number], PlannedTrial)]
        if trials:
            terminal.note(f"tunebook: {summary(plan, trials, 'trials')}")
        outcomes = [one for one in outcomes if one not in trials]
        _conclude(plan, outcomes, varied, scratch)
    finally:
        if well:
            scratch.remove(outputs)
        else:
            scratch.keep()
    return outcomes


def plan_of(request: Request) -> tuple[list[Planned], list[str]]:
    """Every run, each once, those of one base model together; and the keys in which they differ.

    Runs that train the base itself come last of their model: it has to be loaded anew for each.
    """
    runs = {tuple(words): settings for words, settings in check_runs(request)}
    varied = [at for at, some in enumerate(zip(*runs, strict=True)) if len(set(some)) > 1]
    plan = [
        Planned(tuple(words_for_hydra(words)), _label([words[at] for at in varied]), settings)
        for words, settings in runs.items()
    ]
    bases = list(dict.fromkeys(_base_of(one.settings) for one in plan))
    plan.sort(key=lambda one: (bases.index(_base_of(one.settings)),
                               one.settings.method.trains_base))  # fmt: skip
    first = next(iter(runs))
    return plan, [_bare(first[at]).partition("=")[0] for at in varied]


def _label(words: Sequence[str]) -> str:
    return " ".join(map(_bare, words)) or "the only run"


def _bare(word: str) -> str:
    return word.lstrip("+")


def _base_of(settings: Settings) -> tuple[Any, ...]:
    from tunebook.models.keeping import what_is_loaded

    return what_is_loaded(settings.model)


def _alike(planned: Planned) -> tuple[Any, ...]:
    settings = planned.settings
    return type(planned), settings.task.name, settings.method.name, _base_of(settings)


def _conclude(
    plan: Sequence[Planned], outcomes: Sequence[Outcome], varied: Sequence[str], scratch: Scratch
) -> None:
    from tunebook.comparison import render

    if all(one.state == REFUSED for one in outcomes):
        reasons = dict.fromkeys(one.reason for one in outcomes)
        raise RequestError([Problem("", reason) for reason in reasons])
    dry = plan[0].settings.dry_run
    tables = [] if dry else compared(plan, outcomes, varied)
    if tables:
        color = sys.stdout.isatty()
        terminal.show(render(tables, color=color), coloured=color)
        where = report_written(tables, Path(plan[0].settings.outputs))
        terminal.note(f"tunebook: {where}")
    what = "dry runs" if dry else "runs"
    terminal.note(f"tunebook: {summary(plan, outcomes, what)}")
    if reason := scratch.why_the_launcher_gave_up():
        terminal.note(f"tunebook: the launcher gave up: {reason}")
    if notes := sorted(scratch.path.glob("*.txt")):
        terminal.note(f"tunebook: more in {', '.join(map(str, notes))}")


@dataclass
class Job:
    """What a launcher calls for each run, in whatever process."""

    action: Action

    def __call__(self, config: Any) -> None:
        """Run one run of the plan; what becomes of it is written into the scratch folder."""
        from hydra.core.hydra_config import HydraConfig

        from recipes.composition import choices_of, plain
        from recipes.request import settings_of
        from tunebook import report
        from tunebook.models import keeping

        own = HydraConfig.get()
        scratch = Scratch(Path(own.sweep.dir))
        scratch.end_with_its_starter()
        words = list(own.overrides.task)
        teller = Teller(scratch, Outcome(scratch.plan().index(words)))
        keeping.keep_until_the_end()

        def run() -> object:
            recipe = choices_of(own).get("recipe")
            return self.action(settings_of(plain(config), recipe, words))

        with report.heard_by(teller):
            teller.tell()
            teller.end(**_outcome(run, teller))
        _give_memory_back()


def _outcome(run: Callable[[], Any], teller: Teller) -> dict[str, Any]:
    """How a run ended. No exception is kept: it would hold on to the model."""
    try:
        result = run()
    except RunsElsewhere:
        return {"state": ELSEWHERE}
    except RequestError as error:
        return {"state": REFUSED, "reason": "; ".join(map(str, error.problems))}
    except RunFailed as error:
        teller.note(error.__cause__)
        return {"state": FAILED, "reason": error.reason, "folder": str(error.folder or "")}
    except (Exception, SystemExit) as error:
        if interruption.came():  # a library made another error of it
            raise KeyboardInterrupt from error
        if problem := problem_of(error):
            return {"state": FAILED, "reason": str(problem)}
        teller.note(error)
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"state": FAILED, "reason": f"{what} (a defect of Tunebook; please report it)"}
    fresh = getattr(result, "fresh", True)
    folder = str(getattr(result, "folder", ""))
    came_to = getattr(result, "came_to", "")
    return {"state": DONE if fresh else FINISHED_BEFORE, "folder": folder, "came_to": came_to}


def _give_memory_back() -> None:
    gc.collect()
    if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
        torch.cuda.empty_cache()


OFTEN = 0.5  # seconds between two words on what a run is at


@dataclass
class Teller:
    """Hears one run, and writes what there is to say into its file."""

    scratch: Scratch
    outcome: Outcome
    began: float = field(default_factory=time.monotonic)
    last: float = 0.0

    def say(self, text: str) -> None:
        """A choice or warning, or how far training is; the view says what begins and ends."""
        if isinstance(text, Doing):
            self.doing(text)
        elif not isinstance(text, Frame):
            self.outcome.said.append(text)
            self.tell()

    def doing(self, text: str) -> None:
        """What the run is at."""
        self.outcome.doing = text
        if time.monotonic() - self.last >= OFTEN:
            self.tell()

    def end(self, **found: Any) -> None:
        """The run is over."""
        self.outcome = replace(self.outcome, doing="", **found)
        self.tell()

    def tell(self) -> None:
        """Write the file."""
        self.last = time.monotonic()
        self.outcome.seconds = round(self.last - self.began, 3)
        self.scratch.write(self.outcome)

    def note(self, error: BaseException | None) -> None:
        """Keep where an error came from."""
        if error is not None:
            self.scratch.note(self.outcome.number, error)
