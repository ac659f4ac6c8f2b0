"""Hydra's part: the configuration that the chosen options make together, by its Compose API."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra import compose, initialize, initialize_config_dir
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from tunebook import folders
from tunebook.errors import Problem, RequestError

CONFIG, LAUNCHED = "tunebook", "tunebook_sweep"
VERSION_BASE = "1.3"


@functools.lru_cache(maxsize=512)
def _composed(chosen: tuple[str, ...]) -> tuple[DictConfig, dict[str, str]]:
    # Hydra knows the recipe by its place in the configuration too
    words = [re.sub(r"^recipe=", "recipe@_global_=", word) for word in chosen]
    with initialize_config_dir(str(folders.shipped_conf()), version_base=VERSION_BASE):
        config = compose(CONFIG, overrides=words, return_hydra_config=True)
    choices = config.hydra.runtime.choices
    OmegaConf.set_struct(config, False)
    del config["hydra"]
    return config, {str(key).partition("@")[0]: value for key, value in choices.items()}


def compose_groups(chosen: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """The configuration of the chosen options, and every group's choice.

    Raises RequestError in one line where a file of the configuration is broken.
    """
    try:
        config, choices = _composed(tuple(chosen))
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError) as error:
        raise RequestError(Problem("conf", one_line(error))) from error
    return config.copy(), choices


def compose_launcher(words: Sequence[str]) -> DictConfig:
    """What Hydra makes of the words that choose and set up a launcher."""
    with initialize(config_path=None, version_base=VERSION_BASE):
        return compose(LAUNCHED, overrides=list(words), return_hydra_config=True)


def forget_changed_files() -> None:
    """Compose anew where a file has changed since the last time, or other folders are searched."""
    global _files
    found = [file for folder in folders.conf_folders() for file in folder.rglob("*.yaml")]
    files = [(file, *_state_of(file)) for file in found]
    if files != _files:
        _composed.cache_clear()
        _files = files


def _state_of(file: Path) -> tuple[int, ...]:
    try:
        about = file.stat()
    except OSError:  # gone, or a link that leads nowhere: who composes it tells
        return ()
    return about.st_mtime_ns, about.st_size, about.st_ino


_files: list[tuple[Any, ...]] = []


def one_line(error: Exception) -> str:
    """What a library says of an error, without its words for programmers."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = itertools.takewhile(lambda line: not line.startswith(SAID_TO_PROGRAMMERS), lines)
    return " ".join(told)


SAID_TO_PROGRAMMERS = ("Config search path", "full_key", "object_type", "Set the environment")


def apply(config: DictConfig, override: Override) -> Problem | None:
    """Put one value into `config`; says what is wrong where its key cannot hold one."""
    try:
        OmegaConf.update(
            config, override.key_or_group, override.value(), merge=True, force_add=True
        )
    except (OmegaConfBaseException, HydraException, ValueError, TypeError, KeyError) as error:
        return Problem(override.key_or_group, one_line(error))
    return None


def plain(config: DictConfig) -> dict[str, Any]:
    """`config` as plain dictionaries, `${…}` resolved. Raises RequestError where that fails."""
    try:
        found = OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        where = str(getattr(error, "full_key", None) or "conf")
        remedy = "A dollar sign that stands for itself is written \\$."
        raise RequestError(Problem(where, one_line(error), remedy)) from error
    assert isinstance(found, dict)
    return {str(key): value for key, value in found.items()}
