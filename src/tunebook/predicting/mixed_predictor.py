"""Several finished runs, loaded: their rows go through one batch wherever that is possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunebook import report
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.models.facts import content_of
from tunebook.predicting.finished import FinishedRun
from tunebook.predicting.labels import Folder, read_runs
from tunebook.predicting.predictor import Prediction, Predictor
from tunebook.schema import DecodingSettings
from tunebook.settings import Resolved
from tunebook.tasks import Row

if TYPE_CHECKING:
    from tunebook.models.base import Base

Say = Callable[[str], None]
Tick = Callable[[int], object]


@dataclass(frozen=True)
class Group:
    """Runs whose rows are decoded in the same batches."""

    labels: list[str]
    generate: Callable[..., list[str]]
    """from sources, their run's place in `labels`, and a tick, to texts"""


class MixedPredictor:
    """Answers rows of several runs; template, cuts and decoding are each run's own.

    Soft prompts, prefixes and baselines over the same base model (same content, device, dtype)
    load it once, and with the same decoding settings their rows share batches. Any other run
    answers in batches of its own; where it changes the layers (LoRA, full fine-tuning) over a copy
    of the base of its own. Either way each answer is the one that the run gives alone.
    """

    def __init__(self, members: Mapping[str, Predictor], say: Say = report.say) -> None:
        self.members = dict(members)
        self.groups = _groups(self.members, say)

    @classmethod
    def open(
        cls, folders: Sequence[Folder] | Mapping[str, FinishedRun], say: Say = report.say, *,
        model: str | None = None, device: str | None = None, batch_size: int | None = None,
    ) -> MixedPredictor:  # fmt: skip
        """Load the runs in `folders`, or runs that have labels already.

        The options are those of Predictor.open, for every run. Raises RequestError.
        """
        runs = dict(folders) if isinstance(folders, Mapping) else read_runs(folders)
        if not runs:
            raise RequestError(Problem("runs", "there are none", "Give folders of finished runs."))
        resolved = _resolved(runs, model, device)
        bases = _load_bases(runs, resolved, say)
        members = {}
        for label, run in runs.items():
            members[label] = Predictor.over(
                bases[label], run, resolved[label], _in_the_name_of(label, say),
                batch_size=batch_size,
            )  # fmt: skip
        return cls(members, say)

    @property
    def labels(self) -> list[str]:
        """What the runs are called, in order."""
        return list(self.members)

    def answer_all(
        self, rows: Sequence[Row], progress: Tick = lambda _: None
    ) -> list[dict[str, Prediction]]:
        """Every run's prediction for every row, by label.

        Rows that a run cannot answer say why. `progress` is told how many more predictions are
        done. Raises RequestError where a row lacks a field of some run's task.
        """
        asked = [(label, row) for row in rows for label in self.members]
        numbers = [number for number in range(1, len(rows) + 1) for _ in self.members]
        answers = iter(self._answer(asked, numbers, progress))
        return [{label: next(answers) for label in self.members} for _ in rows]

    def answer_each(
        self, rows: Sequence[Row], labels: Sequence[str], progress: Tick = lambda _: None
    ) -> list[Prediction]:
        """One prediction a row, in order: row i by the run `labels[i]`.

        Raises RequestError for an unknown label, or a row that lacks a field of its run's task.
        """
        unknown = sorted(set(labels) - set(self.members))
        if unknown:
            raise RequestError([
                Problem(label, "is none of the runs", did_you_mean(label, self.members))
                for label in unknown
            ])  # fmt: skip
        asked = list(zip(labels, rows, strict=True))
        return self._answer(asked, range(1, len(rows) + 1), progress)

    def _answer(
        self, asked: Sequence[tuple[str, Row]], numbers: Sequence[int], progress: Tick
    ) -> list[Prediction]:
        sources, predictions = self._sources(asked, numbers)
        progress(len(predictions))
        for group in self.groups:
            mine = [i for i in sources if asked[i][0] in group.labels]
            which = [group.labels.index(asked[i][0]) for i in mine]
            texts = group.generate([sources[i].ids for i in mine], which, progress)
            for i, text in zip(mine, texts, strict=True):
                predictions[i] = Prediction(text, cut=sources[i].cut)
        return [predictions[i] for i in range(len(asked))]

    def _sources(
        self, asked: Sequence[tuple[str, Row]], numbers: Sequence[int]
    ) -> tuple[dict[int, Any], dict[int, Prediction]]:
        sources: dict[int, Any] = {}
        failed: dict[int, Prediction] = {}
        for label, member in self.members.items():
            mine = [i for i, (one, _) in enumerate(asked) if one == label]
            found, why_not = member.sources([asked[i][1] for i in mine], [numbers[i] for i in mine])
            sources |= {mine[i]: source for i, source in found.items()}
            failed |= {mine[i]: prediction for i, prediction in why_not.items()}
        return sources, failed


def _in_the_name_of(label: str, say: Say) -> Say:
    return lambda line: say(f"{label}: {line}")


def _resolved(
    runs: Mapping[str, FinishedRun], model: str | None, device: str | None
) -> dict[str, Resolved]:
    problems, found = [], {}
    for label, run in runs.items():
        try:
            found[label] = run.resolved(model, device)
        except RequestError as error:
            problems += [replace(p, where=f"{label}: {p.where}") for p in error.problems]
    if problems:
        raise RequestError(problems)
    return found


def _load_bases(
    runs: Mapping[str, FinishedRun], resolved: Mapping[str, Resolved], say: Say
) -> dict[str, Base]:
    """Each run's base; runs that leave it as it is share it."""
    from tunebook.engine import load

    users: dict[Any, list[str]] = {}
    for label, run in runs.items():
        users.setdefault(_base_of(label, run, resolved[label]), []).append(label)
    bases: dict[str, Base] = {}
    for number, labels in enumerate(users.values(), 1):
        first = resolved[labels[0]]
        if len(users) > 1:
            say(f"base {number} of {len(users)}, {first.facts.path}, for {', '.join(labels)}")
        bases |= dict.fromkeys(labels, load(first.settings.model, first.facts, say))
    return bases


def _base_of(label: str, run: FinishedRun, resolved: Resolved) -> Any:
    """The same for runs that can share one loaded model."""
    from tunebook.models.device import choose_device, choose_dtype

    model = resolved.settings.model
    device, _ = choose_device(model)
    dtype, _ = choose_dtype(model, device)
    alone = "" if run.settings.method.shares_base else label
    return (content_of(model, resolved.facts), device, dtype, model.quantization, model.attention,
            alone)  # fmt: skip


def _groups(members: Mapping[str, Predictor], say: Say) -> list[Group]:
    """Runs that share batches, and the others by themselves, each with the reason."""
    groups = []
    for labels in _over_one_base(members):
        reasons = _reasons_to_be_alone(members, labels)
        for label, reason in reasons.items():
            say(f"{label} decodes in batches of its own ({reason})")
        mixed = [label for label in labels if label not in reasons]
        alike = _same_decoding(members, mixed)
        if len(alike) > 1:
            kinds = "; ".join(f"{', '.join(some)} ({how})" for how, some in alike.items())
            say(f"{len(alike)} kinds of batches, as decoding settings differ: {kinds}")
        groups += [_mixed(members, some, say) for some in alike.values()]
        groups += [_alone(members, label) for label in reasons]
    return groups


def _over_one_base(members: Mapping[str, Predictor]) -> list[list[str]]:
    found: dict[int, list[str]] = {}
    for label, member in members.items():
        found.setdefault(id(member.base.model), []).append(label)
    return list(found.values())


def _reasons_to_be_alone(members: Mapping[str, Predictor], labels: list[str]) -> dict[str, str]:
    from tunebook.engine import cannot_mix, padding_matters

    base, models = members[labels[0]].base, [members[label].model for label in labels]
    alone = cannot_mix(base, models)
    found = {labels[i]: reason for i, reason in alone.items()}
    for label in labels:
        one = members[label]
        if label not in found and padding_matters(one.model, base, one.decoding, one.longest):
            found[label] = "padding would change its answers"
    return found


def _same_decoding(members: Mapping[str, Predictor], labels: list[str]) -> dict[str, list[str]]:
    """Labels by the decoding settings that change a text."""
    found: dict[str, list[str]] = {}
    for label in labels:
        found.setdefault(_described(members[label].decoding), []).append(label)
    return found


def _described(decoding: DecodingSettings) -> str:
    kept = {k: v for k, v in vars(decoding).items() if k not in ("name", "batch_size")}
    return ", ".join(f"{name} {value}" for name, value in kept.items())


def _mixed(members: Mapping[str, Predictor], labels: list[str], say: Say) -> Group:
    """Batches are as small as any of the runs asks for."""
    from tunebook.engine import MixedDecoder

    if len(labels) == 1:
        return _alone(members, labels[0])
    some = [members[label] for label in labels]
    decoder = MixedDecoder(some[0].base, [one.model for one in some])
    size = min(one.decoding.batch_size for one in some)
    decoding = replace(some[0].decoding, batch_size=size)
    say(f"{len(labels)} runs share batches of {size}: {', '.join(labels)}")

    def generate(sources: list[Any], which: list[int], progress: Tick) -> list[str]:
        return decoder.generate(sources, which, decoding, progress)

    return Group(labels, generate)


def _alone(members: Mapping[str, Predictor], label: str) -> Group:
    from tunebook.engine import generate as decode

    member = members[label]

    def generate(sources: list[Any], which: list[int], progress: Tick) -> list[str]:
        return decode(member.model, member.base, sources, member.decoding, progress)

    return Group([label], generate)
