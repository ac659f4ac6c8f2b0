"""One measurement in a process of its own: python -m tunebook.bench.measure JOB.json RESULT.json"""

from __future__ import annotations

import functools
import json
import sys
import time
from pathlib import Path
from typing import Any

from tunebook.bench.settings import Request
from tunebook.typed import read


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


def product_flops(request: Request) -> float:
    """The best rate of a product of two square matrices, in operations a second.

    By torch's own choice of a library or by ours, whichever is faster. Measured once a process.
    """
    from tunebook.bench.material import place

    return _best_product(*place(request))


@functools.cache
def _best_product(device: str, dtype: str, tries: int = 8) -> float:
    import torch

    from tunebook.engine.matmul import ONEDNN, choose_matmul, use_onednn

    size = 8192 if device == "cuda" else 1536
    layer = torch.nn.Linear(size, size, bias=False, device=device, dtype=getattr(torch, dtype))
    layer.requires_grad_(False)
    rows = torch.randn_like(layer.weight)
    best = min(_seconds(layer, rows) for _ in range(tries))
    if choose_matmul(None, device, dtype)[0] == ONEDNN:
        use_onednn(layer)
        best = min(best, *(_seconds(layer, rows) for _ in range(tries)))
    return 2 * size**3 / best


def _seconds(product: Any, one: Any) -> float:
    import torch

    started = time.perf_counter()
    product(one)
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
