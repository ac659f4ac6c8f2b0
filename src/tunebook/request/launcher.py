"""The words that are for Hydra: which launcher starts the runs of a sweep, and how."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence

from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from tunebook.errors import Problem, did_you_mean
from tunebook.request.composition import compose_launcher, one_line

LAUNCHERS = {
    "basic": "hydra",
    "joblib": "hydra_plugins.hydra_joblib_launcher",
    "submitit_local": "hydra_plugins.hydra_submitit_launcher",
    "submitit_slurm": "hydra_plugins.hydra_submitit_launcher",
}
CHOICE, OPTION, AT_ONCE = "hydra/launcher", "hydra.launcher.", "hydra.sweeper.at_once"
OPTIONS = (
    "n_jobs", "partition", "account", "qos", "constraint", "gpus_per_node", "cpus_per_task",
    "mem_gb", "timeout_min", "array_parallelism", "setup", "additional_parameters",
)  # fmt: skip
ONLY_TYPED = ("setup", "additional_parameters")
"""They put lines into a script that is run, so that no file may set them."""
KEY = re.compile(r"[+~]*[\w./@]+")
PLAIN = re.compile(r"[\w.,:/@+-]*")


def misused(override: Override) -> Problem | None:
    """What is wrong with a word for Hydra; nothing but the launcher and its options passes."""
    key, line = override.key_or_group, override.input_line or ""
    name = key.removeprefix(OPTION).partition(".")[0]
    if override.is_delete() or not (
        key in (CHOICE, AT_ONCE) or (key.startswith(OPTION) and name in OPTIONS)
    ):
        remedy = did_you_mean(key, [CHOICE, AT_ONCE, *(f"{OPTION}{one}" for one in OPTIONS)])
        return Problem(line, "is no word for a launcher", remedy)
    return _misused_launcher(override) if key == CHOICE else None


def _misused_launcher(override: Override) -> Problem | None:
    name, line = str(override.value()), override.input_line or ""
    if name not in LAUNCHERS:
        return Problem(line, "there is no such launcher", did_you_mean(name, LAUNCHERS))
    if importlib.util.find_spec(LAUNCHERS[name]) is None:
        package = LAUNCHERS[name].rpartition(".")[2].replace("_", "-")
        what = f"needs {package}, which is not installed"
        return Problem(line, what, "pip install 'tunebook[launchers]'")
    return None


def asks_for_launcher(words: Sequence[str]) -> bool:
    """Whether the words for Hydra choose a launcher; `basic` is this process itself."""
    return any(word.startswith(f"{CHOICE}=") and word != f"{CHOICE}=basic" for word in words)


def problems_of_launcher(words: Sequence[str]) -> list[Problem]:
    """What Hydra says against the words for it."""
    if not words:
        return []
    try:
        compose_launcher(words)
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        return [Problem(" ".join(words), one_line(error))]
    return []


def in_file(key: str, value: str, where: str) -> Problem | None:
    """What is wrong with a word that stands in a file of named words."""
    if not KEY.fullmatch(key):
        return Problem(where, f"{key!r} is no key", "Write KEY: VALUE.")
    name = key.lstrip("+~")
    if name.removeprefix(OPTION).partition(".")[0] in ONLY_TYPED and name.startswith(OPTION):
        return Problem(where, f"{key} runs lines of a shell", "Type it on the command line.")
    if name.startswith("hydra") and not PLAIN.fullmatch(value):
        return Problem(where, f"{key}: cannot be {value!r}", "Use letters, digits and .,:/@+-")
    return None
