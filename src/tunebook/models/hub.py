"""Models on the Hugging Face hub: one quick look at the config, then the files into the cache."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunebook.errors import Problem, RequestError
from tunebook.models import weights

SECONDS = 5
DOCUMENTS = ("*.json", "*.jinja", "*.model", "*.spm", "*.txt", "*.tokenizer", "*.codes", "*.bpe",
             "*.tiktoken", "tokenizer*", "vocab*")  # fmt: skip
"""What models and tokenizers are read from, besides weights."""
PATTERNS: dict[str, Any] = {
    "allow_patterns": [*DOCUMENTS, weights.SINGLE, "model-*.safetensors"],
    "ignore_patterns": ["*/*"],
}  # fmt: skip
CONVERTER = "SFconvertbot"


@functools.cache
def config_of(name: str, revision: str | None) -> Path:
    """The cached config.json of `name`; the folder it lies in is named by the commit.

    Asks the hub once, without retries, for at most about SECONDS; the cache serves without a
    network. Raises RequestError where the model is not there, not allowed, or not reachable.
    """
    from huggingface_hub import (
        get_hf_file_metadata,
        hf_hub_download,
        hf_hub_url,
        try_to_load_from_cache,
    )
    from huggingface_hub.errors import HFValidationError

    wanted = revision or "main"
    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json", revision=wanted), timeout=SECONDS)
        return Path(hf_hub_download(name, "config.json", revision=wanted))
    except HFValidationError as error:
        raise RequestError(_explain(error, name, wanted)) from error
    except Exception as error:
        cached = try_to_load_from_cache(name, "config.json", revision=wanted)
        if isinstance(cached, str):
            return Path(cached)
        raise RequestError(_explain(error, name, wanted)) from error


def cached_config(name: str, revision: str | None) -> Path | None:
    """The cached config.json of `name`, without asking the hub; None where it is not there."""
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(name, "config.json", revision=revision or "main")
    return Path(cached) if isinstance(cached, str) else None


def commit_of(config: Path) -> str:
    """The commit that a cached config.json belongs to."""
    return config.parent.name


# By the name of huggingface_hub's error, the most special first: key, what is wrong, what to do.
REFUSALS = {
    "GatedRepoError": (
        "model.path",
        "{name} is gated: its owner must let you in",
        "Accept its terms on {page}, then run `hf auth login` or set HF_TOKEN.",
    ),
    "RevisionNotFoundError": (
        "model.revision",
        "{name} has no revision {revision}",
        "Its revisions are on {page}/commits/main.",
    ),
    "RepositoryNotFoundError": (
        "model.path",
        "there is no folder {name}, and no public model of that name on the hub",
        "Check the name; for a private model run `hf auth login`.",
    ),
    "RemoteEntryNotFoundError": (
        "model.path",
        "{name} has no config.json: it is no transformers model (an adapter or a GGUF file?)",
        "Give the name of the base model.",
    ),
    "HFValidationError": (
        "model.path",
        "{name} is no folder and no hub name",
        "Give a local folder, or a name such as google/flan-t5-base.",
    ),
}


def _explain(error: Exception, name: str, revision: str) -> Problem:
    for kind in type(error).__mro__:
        if refusal := REFUSALS.get(kind.__name__):
            page = f"https://huggingface.co/{name}"
            return Problem(*(t.format(name=name, revision=revision, page=page) for t in refusal))
    return _unreachable(error, name)


def _unreachable(error: Exception, name: str) -> Problem:
    return Problem(
        "model.path",
        f"{name} is no folder here and not (or not wholly) in the cache, and the hub cannot be "
        f"reached ({_first_line(error)})",
        "Connect to the network, or give a local folder: model.path=FOLDER.",
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:160]


def fetch(name: str, config: Path, say: Callable[[str], None]) -> Path:
    """The folder in the cache with the whole model; downloads what is missing.

    A repository without safetensors is taken from the hub's own conversion of the same commit.
    Raises RequestError where the download fails or there is no such conversion.
    """
    if folder := _cached(name, commit_of(config)):
        return folder
    say(f"fetching {name} from the hub (commit {commit_of(config)[:8]})")
    folder = _download(name, commit_of(config))
    if weights.files_of(folder):
        return folder
    number, commit = _conversion(name, commit_of(config))
    say(f"{name} has no safetensors; using the hub's conversion of it, refs/pr/{number}")
    return _download(name, commit)


def _cached(name: str, commit: str) -> Path | None:
    """The cached folder, where all its files are there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, revision=commit, local_files_only=True, **PATTERNS))
    except LocalEntryNotFoundError:
        return None
    whole = weights.files_of(folder) and not weights.problems_of(folder)
    return folder if whole else None


def _download(name: str, commit: str) -> Path:
    """Looks first whether the hub is there: snapshot_download alone retries for 25 seconds."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, snapshot_download

    try:
        get_hf_file_metadata(hf_hub_url(name, "config.json", revision=commit), timeout=SECONDS)
        return Path(snapshot_download(name, revision=commit, **PATTERNS))
    except Exception as error:
        raise RequestError(_explain(error, name, commit)) from error


def _conversion(name: str, commit: str) -> tuple[int, str]:
    """Number and commit of the hub's pull request that adds safetensors on top of `commit`."""
    from huggingface_hub import HfApi

    api, older = HfApi(), ""
    try:
        for request in api.get_repo_discussions(name, author=CONVERTER):
            if request.is_pull_request and request.status == "open" and request.git_reference:
                made = api.list_repo_commits(name, revision=request.git_reference)
                if len(made) > 1 and made[1].commit_id == commit:
                    return request.num, made[0].commit_id
                older = request.git_reference
    except Exception as error:
        raise RequestError(_explain(error, name, commit)) from error
    raise RequestError(_no_conversion(name, older))


def _no_conversion(name: str, older: str) -> Problem:
    remedy = (
        f"There is one of an older commit: model.revision={older}."
        if older
        else "Convert it with https://huggingface.co/spaces/safetensors/convert, or load it with "
        "transformers, save_pretrained(FOLDER), and give model.path=FOLDER."
    )
    return Problem("model.path", f"{name} has no safetensors weights", remedy)
