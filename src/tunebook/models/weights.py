"""The safetensors files of a model folder: are they whole, what do they hold, what is their hash.

Reads headers only, without torch. The format: 8 bytes with the header's length, the header in
JSON, the tensors (https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunebook.documents import BrokenDocument, read_json
from tunebook.errors import Problem, RequestError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
OTHER_FORMATS = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.ckpt", "*.gguf")
BLOCK = 1 << 20
BLOCKS = 64
AGAIN = "Download or copy the model again."


class BrokenWeights(RequestError):
    """A weights file is missing, cut off or no safetensors file; the message says which and why."""

    def __init__(self, what: str) -> None:
        super().__init__(Problem("model.path", what, AGAIN))


def problems_of(folder: Path) -> list[Problem]:
    """What keeps the weights in `folder` from being loaded as they are; empty where nothing does.

    Beside an adapter they are not: transformers would merge it into them without a word.
    """
    try:
        files = files_of(folder)
        for file in files:
            header_of(file)
    except BrokenWeights as broken:
        return broken.problems
    problems = [] if files else [_no_safetensors(folder)]
    return problems + ([_adapter_in(folder)] if (folder / ADAPTER).exists() else [])


def _adapter_in(folder: Path) -> Problem:
    what = f"{folder} holds an adapter beside its model ({ADAPTER}), which would be merged unseen"
    merge = "merge it with PEFT's merge_and_unload and save_pretrained(NEW_FOLDER)"
    remedy = f"Take {ADAPTER} out of the folder, or {merge}, then give model.path=NEW_FOLDER."
    return Problem("model.path", what, remedy)


def files_of(folder: Path) -> list[Path]:
    """The safetensors files that hold the model: one, or the shards that the index names.

    Raises BrokenWeights for an index that is none.
    """
    if (folder / SINGLE).exists():
        return [folder / SINGLE]
    if not (folder / INDEX).exists():
        return []
    try:
        found = read_json(folder / INDEX, dict).get("weight_map")
    except BrokenDocument as broken:
        what = f"{folder / INDEX} is no index of safetensors files: it {broken.problem.what}"
        raise BrokenWeights(what) from None
    names = list(found.values()) if isinstance(found, dict) else []
    if not names or any(not isinstance(one, str) or Path(one).name != one for one in names):
        raise BrokenWeights(f"{folder / INDEX} is no index of safetensors files")
    return [folder / name for name in sorted(set(names))]


def header_of(file: Path) -> dict[str, Any]:
    """The tensors of a safetensors file by name: dtype, shape and place, as the header has them.

    Raises BrokenWeights where the file is missing, cut off, or something else.
    """
    from safetensors import SafetensorError, safe_open

    if not file.is_file():
        raise BrokenWeights(f"{file} is {'no file' if file.exists() else 'missing'}")
    try:
        with file.open("rb") as stream:
            start = stream.read(8)
            if start == b"version ":
                what = "is a Git LFS pointer, not the weights (run `git lfs pull`)"
                raise BrokenWeights(f"{file} {what}")
            with safe_open(file, framework="np"):  # checks the header and every place in it
                header = json.loads(stream.read(int.from_bytes(start, "little")))
    except SafetensorError as error:
        what = f"is no safetensors file, or is cut off: {_reason(error)}"
        raise BrokenWeights(f"{file} {what} ({file.stat().st_size:,} bytes)") from None
    except OSError as error:
        raise BrokenWeights(f"{file} cannot be read: {error.strerror or error}") from None
    return {name: value for name, value in header.items() if name != "__metadata__"}


def _reason(error: Exception) -> str:
    return str(error).removeprefix("Error while deserializing header: ")[:200]


def _no_safetensors(folder: Path) -> Problem:
    others = sorted(file.name for pattern in OTHER_FORMATS for file in folder.glob(pattern))
    if not others:
        remedy = f"Give a folder that holds {SINGLE}."
        return Problem("model.path", f"{folder} holds no weights", remedy)
    return Problem(
        "model.path",
        f"{folder} has its weights only as {others[0]}; Tunebook reads safetensors only, because "
        "other formats can run code when they are opened",
        "Where you trust the file, load it once with transformers and save_pretrained(NEW_FOLDER), "
        "then give model.path=NEW_FOLDER.",
    )


def parameters_of(folder: Path) -> int:
    """How many numbers the weights in `folder` hold (tensors stored once count once)."""
    headers = (header_of(file) for file in files_of(folder))
    return sum(math.prod(tensor["shape"]) for header in headers for tensor in header.values())


def hash_weights(folder: Path) -> bytes:
    """A hash over each weights file's size, header and up to 64 blocks of 1 MiB spread over it.

    Files up to 64 MiB are read whole; larger ones in bounded time.
    """
    digest = hashlib.sha256()
    for file in files_of(folder):
        digest.update(f"{file.name} {file.stat().st_size} ".encode())
        digest.update(json.dumps(header_of(file), sort_keys=True).encode())
        for block in _sampled(file):
            digest.update(block)
    return digest.digest()


def _sampled(file: Path) -> Iterator[bytes]:
    last = max(0, file.stat().st_size - BLOCK)
    blocks = min(BLOCKS, math.ceil(last / BLOCK) + 1)
    with file.open("rb") as stream:
        for i in range(blocks):
            stream.seek(last * i // max(1, blocks - 1))
            yield stream.read(BLOCK)
