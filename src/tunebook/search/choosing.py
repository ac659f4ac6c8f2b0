"""Which trial wins: by validation loss, with a report of all of them."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tunebook.errors import RunFailed
from tunebook.runs.files import write_json, write_text
from tunebook.runs.fingerprint import digest
from tunebook.runs.folder import RunFolder
from tunebook.runs.lock import is_at_work
from tunebook.schema import Settings, TuneSettings
from tunebook.search.ranges import Range, with_values
from tunebook.search.trials import Search, Trial, in_words
from tunebook.search.trying import Tried, folder_of, is_done, prepared
from tunebook.settings import resolve

Say = Callable[[str], None]
LONGEST_LABEL = 54
PATIENCE = 1.0  # seconds between two looks at a trial that another process runs


@dataclass(frozen=True)
class Entry:
    """What is known of one trial when the choice is made."""

    trial: Trial
    folder: Path
    state: str
    reason: str
    tried: Tried | None

    @property
    def place(self) -> tuple[float, int]:
        """The lowest comes first: of equal losses the earlier trial, so the default before all."""
        return (self.tried.loss if self.tried else math.inf, self.trial.number)

    def described(self, parent: Path) -> dict[str, Any]:
        """The entry of the report."""
        found = self.tried.metrics if self.tried else {}
        return {
            "trial": self.trial.number,
            "state": self.state,
            "values": dict(self.trial.values),
            "validation_loss": found.get("validation_loss"),
            "best_step": found.get("best_step"),
            "steps": found.get("steps"),
            "trainable": found.get("trainable"),
            "seconds": found.get("seconds", {}).get("train"),
            "peak_memory_bytes": found.get("peak_memory_bytes"),
            "reason": self.reason,
            "folder": str(self.folder.relative_to(parent)),
        }


def choose(search: Search, say: Say) -> Settings:
    """The settings of the winner, with the name of the report, which is written.

    Raises RunFailed where a trial has not come to an end, or none has a validation loss.
    """
    entries = [_entry(trial, folder, say) for trial, folder in _folders(search)]
    best = min(entries, key=lambda one: one.place)
    _refuse_what_is_unfinished(entries)
    if best.place[0] == math.inf:
        raise RunFailed(f"none of {len(entries)} trials has a validation loss: {entries[0].reason}")
    parent = best.folder.parents[1]
    path = parent / f"tune-{digest([one.folder.name for one in entries])}.json"
    write_json(path, _report(search, entries, best, parent))
    say(_verdict(entries, best, path))
    return _settings_of(search, best.trial, path.name)


def _folders(search: Search) -> list[tuple[Trial, Path]]:
    """Each trial's folder. Data and model are looked at once: no trial differs in them."""
    first, examples = prepared(search.trials[0])
    found = []
    for trial in search.trials:
        plan = dataclasses.replace(first, resolved=resolve(trial.settings))
        found.append((trial, folder_of(plan, examples)))
    return found


def _entry(trial: Trial, path: Path, say: Say) -> Entry:
    _wait_for(path, trial, say)
    folder = RunFolder(path)
    status = folder.status
    if is_done(folder):
        tried = Tried(path, folder.metrics or {})
        return Entry(trial, path, "complete", "" if tried.loss < math.inf else tried.came_to,
                     tried)  # fmt: skip
    state = "failed" if status.get("state") == "failed" else "unfinished"
    return Entry(trial, path, state, str(status.get("error") or ""), None)


def _wait_for(path: Path, trial: Trial, say: Say) -> None:
    """Until no other process has the folder."""
    told = False
    while is_at_work(path):
        if not told:
            say(f"tune: waiting for trial {trial.number}, which another process is at")
        told = True
        time.sleep(PATIENCE)


def _refuse_what_is_unfinished(entries: Sequence[Entry]) -> None:
    open_ones = [str(one.trial.number) for one in entries if one.state == "unfinished"]
    if open_ones:
        which = f"trial {open_ones[0]}" if len(open_ones) == 1 else f"trials {', '.join(open_ones)}"
        raise RunFailed(f"{which} of {len(entries)} did not end; the same command continues")


def _report(search: Search, entries: Sequence[Entry], best: Entry, parent: Path) -> dict[str, Any]:
    settings, described = search.given, [one.described(parent) for one in entries]
    return {
        "schema": 1,
        "task": settings.task.name,
        "model": parent.parent.name,
        "method": settings.method.name,
        "chosen_by": "validation_loss",
        "seed": settings.tune.seed,
        "searched": {one.key: _described(one) for one in search.ranges},
        "fixed": list(settings.tune.fixed),
        "notes": list(search.notes),
        "budget": {
            "trials": len(entries),
            "steps": sum(one["steps"] or 0 for one in described),
            "seconds": round(sum(one["seconds"] or 0 for one in described), 3),
        },
        "winner": described[best.trial.number - 1],
        "trials": described,
    }


def _described(one: Range) -> dict[str, Any]:
    return {"default": one.default, **one.rule}


def _verdict(entries: Sequence[Entry], best: Entry, path: Path) -> str:
    default, tried = entries[0].tried, best.tried
    assert tried is not None
    beside = f", the default {default.loss:.4f}" if default and best.trial.number > 1 else ""
    name = "the default" if best.trial.number == 1 else f"trial {best.trial.number}"
    bad = sum(one.tried is None for one in entries)
    failed = f"; {bad} failed" if bad else ""
    return (f"tune: {name} of {len(entries)} trials wins ({in_words(best.trial.values)}): "
            f"{tried.came_to}{beside}{failed}; all in {path}")  # fmt: skip


def _settings_of(search: Search, best: Trial, name: str) -> Settings:
    given = search.given
    tune = TuneSettings(steps=given.tune.steps, seed=given.tune.seed, fixed=given.tune.fixed,
                        report=name)  # fmt: skip
    if best.number == 1:
        return dataclasses.replace(given, tune=tune)
    chosen = with_values(given, best.values)
    return dataclasses.replace(chosen, tune=tune, label=_label(given))


def _label(given: Settings) -> str:
    """The folder's label; what was chosen stands in the report."""
    label = given.label if given.label not in ("", "default") else ""
    return f"{label[:LONGEST_LABEL]}-tuned".lstrip("-")


def sign(folder: Path, chosen: Settings) -> None:
    """A run that was there before the search says too which search has chosen its settings."""
    file = folder / "settings.yaml"
    body = yaml.safe_load(file.read_text(encoding="utf-8"))
    if body.get("tune", {}).get("report"):
        return
    body["tune"] = dataclasses.asdict(chosen.tune)
    write_text(file, yaml.safe_dump(body, sort_keys=False, allow_unicode=True))
