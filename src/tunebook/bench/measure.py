"""One measurement in a process of its own: python -m tunebook.bench.measure JOB.json RESULT.json"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tunebook.bench.settings import Request
from tunebook.errors import RunFailed
from tunebook.typed import read

Results = dict[str, list[dict[str, Any]]]
"""What each repeat measured, by side."""
SIDES = {
    "training": ("ours", "loop", "stock"),
    "generation": ("ours", "loop", "stock", "alone"),
    "trainer": ("ours", "bare"),
}


def alternate(kind: str, request: Request, say: Callable[[str], None]) -> Results:
    """`bench.repeats` rounds in which each side of `kind` is measured once."""
    job = "training" if kind == "trainer" else kind
    results: Results = {side: [] for side in SIDES[kind]}
    for turn in range(request.bench.repeats):
        for side in SIDES[kind]:
            say(f"{kind}: {side}, {turn + 1} of {request.bench.repeats}")
            results[side].append(in_own_process(job, side, request))
    return results


def in_own_process(kind: str, side: str, request: Request) -> dict[str, Any]:
    """What a fresh process measures. Raises RunFailed with its last words where it fails."""
    with tempfile.TemporaryDirectory(prefix="tunebook-bench-") as folder:
        job, result = Path(folder) / "job.json", Path(folder) / "result.json"
        content = {"kind": kind, "side": side, "request": dataclasses.asdict(request)}
        job.write_text(json.dumps(content), encoding="utf-8")
        command = [sys.executable, "-m", "tunebook.bench.measure", str(job), str(result)]
        done = subprocess.run(
            command, capture_output=True, text=True, env=_environment(request), check=False
        )
        if done.returncode or not result.exists():
            last = next(reversed(done.stderr.strip().splitlines()), f"exit {done.returncode}")
            raise RunFailed(f"the measurement of {side} ({kind}) failed: {last}")
        return json.loads(result.read_text(encoding="utf-8"))


def _environment(request: Request) -> dict[str, str]:
    threads = request.bench.threads
    own = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)} if threads else {}
    return {**os.environ, **own, "TOKENIZERS_PARALLELISM": "false"}


def measure(kind: str, side: str, request: Request) -> dict[str, Any]:
    """One measurement here and now: kind is training or generation."""
    import torch

    if request.bench.threads:
        torch.set_num_threads(request.bench.threads)
    if kind == "training":
        from tunebook.bench.models import place
        from tunebook.bench.training import train

        return {**train(side, request), "product_flops": _product_flops(*place(request))}
    from tunebook.bench.generation import measure_generation

    return measure_generation(side, request)


class Memory:
    """What a piece of work takes, made after the model is loaded: of the process on a CPU, of the
    card's tensors on CUDA."""

    def __init__(self, device: str) -> None:
        import psutil
        import torch

        from tunebook.memory import forget_peak_memory

        forget_peak_memory()
        self.device = device
        on_card = device.startswith("cuda")
        self.baseline = (
            torch.cuda.memory_allocated() if on_card else psutil.Process().memory_info().rss
        )

    def measured(self) -> dict[str, int]:
        """Bytes at the start, and the most in use since; Linux counts a peak to some pages."""
        from tunebook.memory import peak_memory

        peak = max(peak_memory(self.device), self.baseline)
        return {"baseline_bytes": self.baseline, "peak_bytes": peak}


@functools.cache
def _product_flops(device: str, dtype: str, tries: int = 8) -> float:
    """The best rate of a product of two square matrices, in operations a second.

    By torch's own choice of a library or by ours, whichever is faster. Measured once a process.
    """
    import torch

    from tunebook.engine import ONEDNN, choose_matmul, use_onednn

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


def main(job_file: str, result_file: str) -> None:
    """Do what the job says and write what was measured."""
    import warnings

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore")
    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    request = read(Request, job["request"], "", [])
    assert request is not None
    found = measure(job["kind"], job["side"], request)
    Path(result_file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
