"""Data sets of the Hugging Face hub, or a local folder with the same files."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import datasets
from datasets import Dataset, DatasetBuilder
from datasets.exceptions import DataFilesNotFoundError, DatasetNotFoundError
from huggingface_hub import constants, errors

from tunebook.data.batches import ROWS, ArrowBatch, Batch, RowBatch
from tunebook.data.faults import Faults, Notes
from tunebook.data.files import hash_of_files
from tunebook.data.formats import guarded, read_file
from tunebook.data.sources import Part, Source
from tunebook.errors import Problem, RequestError, did_you_mean
from tunebook.schema import DataSettings

SECONDS_TO_CONNECT = 3.0
INSTEAD = "Or give local rows: data=files data.train=FILE, or data.path=FOLDER with the same files."


@dataclass
class HubSource(Source):
    """One split of a data set that the datasets library has prepared."""

    name: str = ""
    dataset: Dataset | None = field(default=None, repr=False)

    def parts(self, faults: Faults) -> Iterator[Part]:
        """The whole split as one part."""
        assert self.dataset is not None
        yield Part(self.name, guarded(_batches(self.dataset, self.name), self.name, faults))


def open_hub(settings: DataSettings, notes: Notes) -> dict[str, Source]:
    """The splits that `settings.splits` names. Raises RequestError with what to do."""
    path, subset = _located(settings, notes)
    with _quick_when_offline(path, notes), _quiet(Path(path).is_dir()):
        try:
            builder = _prepared(path, subset, settings)
        except Exception as error:
            problems = _broken_lines(Path(path)) or [explain(error, settings)]
            raise RequestError(problems) from None
    _check_splits(builder, settings)
    return {
        split: _source(builder, split, name, settings)
        for split, name in settings.splits.items()
        if is_named(name)
    }


def is_named(split: str | None) -> bool:
    """Whether this is the name of a split; an empty one, or none, is not."""
    return bool(split) and str(split).lower() != "none"


def _prepared(path: str, subset: str | None, settings: DataSettings) -> DatasetBuilder:
    builder = datasets.load_dataset_builder(path, subset, revision=settings.revision)
    builder.download_and_prepare()
    return builder


def _source(builder: DatasetBuilder, split: str, name: str, settings: DataSettings) -> Source:
    dataset: Any = builder.as_dataset(split=name)
    content = f"{_content(builder)} {name} {len(dataset)} {dataset.features}"
    return HubSource(f"data.splits.{split}", split, content, f"{settings.name} {name}", dataset)


def _content(builder: DatasetBuilder) -> str:
    """Local files by their bytes; a hub set by its id, commit and configuration."""
    files = builder.config.data_files or {}
    paths = [Path(str(path)) for split in sorted(files) for path in files[split]]
    if paths and all(path.is_file() for path in paths):
        return hash_of_files(paths)
    return f"{builder.repo_id} {builder.hash} {builder.config.name}"


def _batches(dataset: Dataset, name: str) -> Iterator[Batch]:
    if "Json(" in repr(dataset.features):
        for first in range(0, len(dataset), ROWS):
            rows = dataset.select(range(first, min(first + ROWS, len(dataset)))).to_list()
            yield RowBatch(rows, name, first=first + 1)
        return
    first = 1
    for table in dataset.with_format("arrow").iter(batch_size=ROWS):
        yield ArrowBatch(table, name, first)
        first += table.num_rows


def _located(settings: DataSettings, notes: Notes) -> tuple[str, str | None]:
    """The path and subset to load; a subset of a plain local folder is the folder inside it."""
    path = str(settings.path)
    folder = Path(path).expanduser()
    if folder.is_dir():
        return _local(folder, settings.subset, notes)
    if folder.is_file():
        remedy = f"Set data=files data.train={path}."
        raise RequestError(Problem("data.path", f"{path} is a file", remedy))
    if path.startswith(("/", ".", "~")) or path.count("/") > 1:
        what = f"there is no folder {path}"
        raise RequestError(Problem("data.path", what, f"Relative paths start at {Path.cwd()}."))
    return path, settings.subset


def _local(folder: Path, subset: str | None, notes: Notes) -> tuple[str, str | None]:
    if any((folder / name).is_file() for name in ("dataset_dict.json", "state.json")):
        what = f"{folder} was written by save_to_disk"
        remedy = "Write each split with Dataset.to_parquet instead, as train.parquet and so on."
        raise RequestError(Problem("data.path", what, remedy))
    notes.add(f"data.path: the local folder {folder} stands in for the hub")
    if subset and (folder / subset).is_dir():
        return str(folder / subset), None
    if subset and not (folder / "README.md").is_file():
        notes.add(f"data.subset={subset} is not used: {folder} has no such folder")
        return str(folder), None
    return str(folder), subset


def _check_splits(builder: DatasetBuilder, settings: DataSettings) -> None:
    there = list(builder.info.splits or {})
    problems = [
        Problem(
            f"data.splits.{split}",
            f"{settings.path} has no split {name}; it has {', '.join(there)}",
            f"Set data.splits.{split}=NAME, or data.splits.{split}='' to hold rows out of train.",
        )
        for split, name in settings.splits.items()
        if is_named(name) and any(part not in there for part in _split_names(name))
    ]
    if problems:
        raise RequestError(problems)


def _split_names(expression: str) -> list[str]:
    """The splits in an expression such as `train[:1%]+validation`."""
    return [part.split("[")[0].strip() for part in expression.split("+")]


def _broken_lines(folder: Path) -> list[Problem]:
    """Where a local folder's JSONL files are broken, with file and line."""
    faults = Faults()
    for path in sorted(folder.rglob("*.jsonl")) if folder.is_dir() else ():
        for _ in read_file(path, str(path), faults):
            pass
    return faults.problems()


@contextmanager
def _quiet(is_local: bool) -> Iterator[None]:
    """No log lines of datasets, whose errors are told in our words, nor bars for local files."""
    verbosity = datasets.logging.get_verbosity()
    bars = is_local and datasets.are_progress_bars_disabled() is False
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    if bars:
        datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if bars:
            datasets.enable_progress_bars()


@contextmanager
def _quick_when_offline(path: str, notes: Notes) -> Iterator[None]:
    """Without a network, look into the cache at once instead of retrying for half a minute."""
    if Path(path).is_dir() or datasets.config.HF_HUB_OFFLINE or _hub_answers():
        yield
        return
    notes.add("no connection to the hub: only data sets in the cache can be used")
    switches = [(datasets.config, "HF_HUB_OFFLINE"), (constants, "HF_HUB_OFFLINE")]
    before = [getattr(module, name) for module, name in switches]
    try:
        for module, name in switches:
            setattr(module, name, True)
        yield
    finally:
        for (module, name), value in zip(switches, before, strict=True):
            setattr(module, name, value)


def _hub_answers() -> bool:
    """Whether the hub's address takes a connection; taken for granted behind a proxy."""
    if urllib.request.getproxies():
        return True
    address = urlsplit(constants.ENDPOINT)
    port = address.port or (80 if address.scheme == "http" else 443)
    try:
        socket.create_connection((address.hostname, port), timeout=SECONDS_TO_CONNECT).close()
    except OSError:
        return False
    return True


def explain(error: BaseException, settings: DataSettings) -> Problem:
    """What an error of datasets or huggingface_hub means, and what to do about it."""
    chain = _chain(error)
    text = " ".join(str(link) for link in chain)
    if "BuilderConfig" in text or "Config name is missing" in text:
        return _unknown_subset(text, settings)
    for words, kinds, key, what, remedy in REASONS:
        if any(word in text for word in words) or any(isinstance(link, kinds) for link in chain):
            names = {"path": settings.path, "revision": settings.revision}
            return Problem(key, what.format(**names), remedy.format(**names))
    return Problem("data.path", f"{settings.path} cannot be loaded: {_first_line(chain)}", INSTEAD)


# The base error of the HTTP library below huggingface_hub, whichever that is.
ANY_HTTP_ERROR = errors.HfHubHTTPError.__mro__[1]

# Words in the message, kinds of error, key, what is wrong, what to do; the first that fits counts.
Reason = tuple[tuple[str, ...], tuple[type[BaseException], ...], str, str, str]
REASONS: list[Reason] = [
    (
        ("gated",), (errors.GatedRepoError,), "data.path",
        "{path} is gated: its owner must let you in",
        "Ask for access on https://huggingface.co/datasets/{path}, then run `hf auth login`"
        " (or set HF_TOKEN).",
    ),
    (
        ("scripts are no longer supported",), (), "data.path",
        "{path} is a script, and datasets runs no scripts any more",
        f"Try data.revision=refs/convert/parquet, or another copy stored as Parquet. {INSTEAD}",
    ),
    (
        ("Revision '",), (errors.RevisionNotFoundError,), "data.revision",
        "{path} has no revision {revision}",
        "Leave data.revision out, or name a commit, tag or branch.",
    ),
    (
        (), (errors.HFValidationError,), "data.path",
        "{path!r} is no name of a data set", "It is OWNER/NAME.",
    ),
    (
        (), (ConnectionError, TimeoutError, errors.OfflineModeIsEnabled), "data.path",
        "{path} is not in the cache and the hub cannot be reached",
        f"Connect to the network and run again. {INSTEAD}",
    ),
    (
        (), (errors.RepositoryNotFoundError, DatasetNotFoundError), "data.path",
        "there is no data set {path} on the hub, or it is private",
        "Check the name (OWNER/NAME); for a private one run `hf auth login`.",
    ),
    (
        (), (ANY_HTTP_ERROR,), "data.path",
        "{path} cannot be fetched: the hub does not answer as it should",
        f"Run again later. {INSTEAD}",
    ),
    (
        (), (DataFilesNotFoundError, FileNotFoundError), "data.path",
        "{path} holds no data files that datasets can read",
        "Files are named train.jsonl, train-00000-of-00001.parquet and so on.",
    ),
]  # fmt: skip


def _unknown_subset(text: str, settings: DataSettings) -> Problem:
    available = text.partition("[")[2].partition("]")[0].replace("'", "").split(", ")
    if settings.subset is None:
        what = f"{settings.path} has several subsets: {', '.join(available)}"
        return Problem("data.subset", what, f"Set data.subset={available[0]}, for instance.")
    what = f"{settings.path} has no subset {settings.subset}; it has {', '.join(available)}"
    return Problem("data.subset", what, did_you_mean(settings.subset, available))


def _chain(error: BaseException) -> list[BaseException]:
    links = [error]
    while (cause := links[-1].__cause__ or links[-1].__context__) and cause not in links:
        links.append(cause)
    return links


def _first_line(chain: list[BaseException]) -> str:
    """The innermost message: the outer ones only say that something failed."""
    messages = [str(link).strip() for link in chain if str(link).strip()]
    return messages[-1].splitlines()[0] if messages else type(chain[0]).__name__
