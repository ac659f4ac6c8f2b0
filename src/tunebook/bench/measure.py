"""One measurement in a process of its own: python -m tunebook.bench.measure JOB.json RESULT.json"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from tunebook.bench.settings import Request
from tunebook.settings.typed import read


def main(job_file: str, result_file: str) -> None:
    """Do what the job says and write what was measured."""
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    request = read(Request, job["request"], "", [])
    assert request is not None
    _quiet()
    Path(result_file).write_text(
        json.dumps(measure(job["kind"], job["side"], request)), encoding="utf-8"
    )


def measure(kind: str, side: str, request: Request) -> dict[str, Any]:
    """One measurement here and now: kind is training or generation."""
    import torch

    if request.bench.threads:
        torch.set_num_threads(request.bench.threads)
    if kind == "training":
        from tunebook.bench.training import train

        return {**train(side, request), "product_flops": product_flops(request)}
    from tunebook.bench.generation import measure_generation

    return measure_generation(side, request)


def product_flops(request: Request, tries: int = 8) -> float:
    """The best rate of a product of two square matrices, in operations a second."""
    import torch

    from tunebook.bench.material import place

    device, dtype = place(request)
    size = 8192 if device == "cuda" else 1536
    one, other = (torch.randn(size, size, device=device, dtype=getattr(torch, dtype)) for _ in "ab")
    return 2 * size**3 / min(_seconds(one, other) for _ in range(tries))


def _seconds(one: Any, other: Any) -> float:
    import torch

    started = time.perf_counter()
    one @ other
    if one.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _quiet() -> None:
    import warnings

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")


if __name__ == "__main__":
    main(*sys.argv[1:])
