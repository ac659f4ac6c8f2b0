"""A finished run, loaded: rows of a task's fields in, predictions out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunebook import report
from tunebook.errors import Problem, RequestError, either
from tunebook.models.facts import content_of
from tunebook.predicting.fields import empty_fields, read_rows
from tunebook.predicting.finished import FinishedRun
from tunebook.settings import Resolved
from tunebook.tasks import Row

if TYPE_CHECKING:
    from tunebook.models.base import Base
    from tunebook.text.encoding import Source

Say = Callable[[str], None]
Tick = Callable[[int], object]
SHOWN = 3


@dataclass(frozen=True)
class Prediction:
    """The answer to one row, or why there is none; `cut` tells that its long field was cut."""

    text: str | None
    error: str | None = None
    cut: bool = False


class Predictor:
    """Answers rows with the template, cuts and decoding of the run that it was opened from."""

    def __init__(self, run: FinishedRun, resolved: Resolved, base: Base, model: Any) -> None:
        from tunebook.text import Encoder, speaking

        self.run, self.task = run, run.task
        self.model_content = content_of(resolved.settings.model, resolved.facts)
        self.decoding = resolved.settings.decoding
        self.longest = resolved.settings.template.max_source_tokens + self.decoding.max_new_tokens
        self.base, self.model = speaking(base, resolved.settings.task), model
        self._encoder = Encoder(resolved.settings, self.base)

    @classmethod
    def open(
        cls, folder: str | Path | FinishedRun, say: Say = report.say, *,
        model: str | None = None, device: str | None = None, batch_size: int | None = None,
    ) -> Predictor:  # fmt: skip
        """Load the run in `folder`: its base model and, from safetensors alone, its weights.

        `model` names the base model where it has moved; `device` and `batch_size` replace the
        run's own. `say` gets one line for each automatic choice. Raises RequestError.
        """
        from tunebook.engine import load

        run = folder if isinstance(folder, FinishedRun) else FinishedRun.read(folder)
        resolved = run.resolved(model, device)
        base = load(resolved.settings.model, resolved.facts, say)
        return cls.over(base, run, resolved, say, batch_size=batch_size)

    @classmethod
    def over(
        cls, base: Base, run: FinishedRun, resolved: Resolved, say: Say = report.say, *,
        batch_size: int | None = None,
    ) -> Predictor:  # fmt: skip
        """The same over a `base` that is loaded already, such as one that runs share.

        Only a run whose method leaves the layers alone may share one: a prompt, a prefix, a
        baseline. Raises RequestError.
        """
        resolved.settings.decoding.batch_size = batch_size or resolved.settings.decoding.batch_size
        for difference in run.older_versions():
            say(f"warning: this run was made with {difference}")
        adapter = None if run.is_whole_model else run.weights
        trained = base.model if adapter is None else _with_adapter(base, adapter, say)
        _compare_arithmetic(run, base, say)
        return cls(run, resolved, base, trained)

    def predict(self, rows: Sequence[Row]) -> list[str]:
        """The answer to each row of the task's input fields, in order.

        Raises RequestError where a row cannot be answered; `answer` goes on instead.
        """
        predictions = self.answer(rows)
        failed = [(i, p.error) for i, p in enumerate(predictions, 1) if p.error]
        if failed:
            more = f" (and {len(failed) - SHOWN} more)" if len(failed) > SHOWN else ""
            shown = [Problem(f"row {i}", str(error)) for i, error in failed[:SHOWN]]
            last = Problem(shown[-1].where, shown[-1].what + more)
            raise RequestError([*shown[:-1], last])
        return [str(prediction.text) for prediction in predictions]

    def answer(self, rows: Sequence[Row], progress: Tick = lambda _: None) -> list[Prediction]:
        """One prediction a row, in order; rows that cannot be answered say why.

        `progress` is told how many more are done. Raises RequestError where a row lacks a field.
        """
        from tunebook.engine import generate

        sources, predictions = self.sources(rows)
        progress(len(predictions))
        ids = [source.ids for source in sources.values()]
        texts = generate(self.model, self.base, ids, self.decoding, progress)
        for (i, source), text in zip(sources.items(), texts, strict=True):
            predictions[i] = Prediction(text, cut=source.cut)
        return [predictions[i] for i in range(len(rows))]

    def sources(
        self, rows: Sequence[Row], numbers: Sequence[int] | None = None
    ) -> tuple[dict[int, Source], dict[int, Prediction]]:
        """What the model reads for each row that can be answered, and why the others cannot.

        Both by index. Raises RequestError where a row lacks a field, with its number: one of
        `numbers`, or counted from 1.
        """
        read = read_rows(self.task, rows, numbers)
        empty = {i: names for i, row in enumerate(read) if (names := empty_fields(self.task, row))}
        failed = {i: Prediction(None, _words_for(names)) for i, names in empty.items()}
        left = [i for i in range(len(rows)) if i not in failed]
        encoded = self._encoder.sources([read[i] for i in left]) if left else []
        found = dict(zip(left, encoded, strict=True))
        good = {i: source for i, source in found.items() if source and source.ids}
        failed |= {i: Prediction(None, self._why_not(found[i])) for i in found if i not in good}
        return good, failed

    def _why_not(self, source: Source | None) -> str:
        if source is not None:
            return "holds nothing that the model's tokenizer knows"
        return f"does not fit into {self._encoder.room.most} tokens although cut"


def _words_for(empty: Sequence[str]) -> str:
    return f"{either(empty, 'and')} {'is' if len(empty) == 1 else 'are'} empty"


def _with_adapter(base: Base, folder: Path, say: Say) -> Any:
    from peft import PeftModel

    from tunebook.models.base import quiet_library

    try:
        with quiet_library(say), warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*missing adapter keys")
            warnings.filterwarnings("ignore", message=".*gradient_checkpointing. is deprecated")
            model = PeftModel.from_pretrained(base.model, folder).eval()
            _check_sizes(model, base)
            return model
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), "")[:300]
        what = f"the adapter cannot be loaded ({type(error).__name__}: {reason})"
        remedy = "It must be whole, and the base model the one that it was trained on."
        raise RequestError(Problem(str(folder), what, remedy)) from error


def _check_sizes(model: Any, base: Base) -> None:
    """PEFT takes a prompt or prefix of any width; a model of another one fails when it answers."""
    from tunebook.methods.parts.shapes import measured

    config = model.active_peft_config
    for name, size in measured(base, config.peft_type.value).items():
        if getattr(config, name) != size:
            raise ValueError(f"its {name} is {getattr(config, name)}, that of the model {size}")


def _compare_arithmetic(run: FinishedRun, base: Base, say: Say) -> None:
    then = run.made_with.get("dtype")
    if then not in (None, base.dtype):
        say(f"warning: the run was scored in {then}, this is {base.dtype}: answers may differ")
