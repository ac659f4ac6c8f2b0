"""The safetensors files of a model folder: are they whole, what do they hold, what is their hash.

Reads headers only, without torch. The format: 8 bytes with the header's length, the header in
JSON, the tensors (https://huggingface.co/docs/safetensors, "Format").
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunebook.errors import Problem

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
OTHER_FORMATS = ("*.bin", "*.pt", "*.pth", "*.h5", "*.msgpack", "*.ckpt", "*.gguf")
LONGEST_HEADER = 100_000_000
BLOCK = 1 << 20
BLOCKS = 64


class BrokenWeights(ValueError):
    """A weights file is missing, cut off or no safetensors file; the message says which and why."""


def problems_of(folder: Path) -> list[Problem]:
    """What keeps the weights in `folder` from being loaded; empty where they are whole."""
    try:
        files = files_of(folder)
        for file in files:
            header_of(file)
    except BrokenWeights as broken:
        return [Problem("model.path", str(broken), "Download or copy the model again.")]
    return [] if files else [_no_safetensors(folder)]


def files_of(folder: Path) -> list[Path]:
    """The safetensors files that hold the model: one, or the shards that the index names."""
    if (folder / SINGLE).exists():
        return [folder / SINGLE]
    if not (folder / INDEX).exists():
        return []
    try:
        names = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / name for name in sorted(set(names))]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise BrokenWeights(f"{folder / INDEX} is no index of safetensors files") from error


def header_of(file: Path) -> dict[str, Any]:
    """The tensors of a safetensors file by name: dtype, shape and place, as the header has them.

    Raises BrokenWeights where the file is missing, cut off, or something else.
    """
    if not file.is_file():
        raise BrokenWeights(f"{file} is missing")
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        text = stream.read(length) if 0 < length < LONGEST_HEADER else b""
    header = _parsed(text, start, file)
    _check_size(file, 8 + length, header)
    return header


def _parsed(text: bytes, start: bytes, file: Path) -> dict[str, Any]:
    if start == b"version ":
        raise BrokenWeights(f"{file} is a Git LFS pointer, not the weights (run `git lfs pull`)")
    try:
        header = json.loads(text)
        return {name: value for name, value in header.items() if name != "__metadata__"}
    except (ValueError, AttributeError) as error:
        raise BrokenWeights(f"{file} is no safetensors file, or its header is cut off") from error


def _check_size(file: Path, start: int, header: dict[str, Any]) -> None:
    try:
        end = start + max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    except (KeyError, IndexError, TypeError) as error:
        raise BrokenWeights(f"{file} has a broken safetensors header") from error
    size = file.stat().st_size
    if size < end:
        raise BrokenWeights(f"{file} is cut off: {size:,} of {end:,} bytes")


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
