"""Tiny finished runs, made once a session."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def run_of(
    tiny_models: dict[str, Path],
    task_files: Callable[[str], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, str], Path]:
    """The folder of a run: run_of("prompt", "llama")."""
    import tunebook
    from recipes import compose

    outputs, made = tmp_path_factory.mktemp("exporting"), {}

    def folder_of(method: str, family: str) -> Path:
        if (method, family) not in made:
            settings = compose(
                *task_files("translate"), f"method={method}", f"model.path={tiny_models[family]}",
                f"outputs={outputs}", "training.max_steps=2", "decoding.max_new_tokens=4",
            )  # fmt: skip
            with contextlib.redirect_stdout(io.StringIO()):
                made[method, family] = tunebook.run(settings, say=lambda line: None).folder
        return made[method, family]

    return folder_of
