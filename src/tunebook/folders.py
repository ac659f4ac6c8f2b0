"""Where the configuration is found: the user's own ./conf first, then the one that ships."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tunebook.schema import GROUPS

OPTIONS = re.compile(r"\w[\w .+-]*")
"""What a folder of options, or a file in it, can be called."""
_added: list[Path] = []


def shipped_conf() -> Path:
    """The configuration that comes with Tunebook: the checkout's conf/, or the installed one."""
    checkout = Path(__file__).parents[2] / "conf"
    if (checkout / "tunebook.yaml").is_file():
        return checkout
    found = importlib.util.find_spec("tunebook.conf")
    assert found is not None
    assert found.submodule_search_locations is not None
    return Path(next(iter(found.submodule_search_locations)))


def conf_folders() -> list[Path]:
    """Every folder that holds configuration, the one that wins first."""
    own = Path.cwd() / "conf"
    folders = [*_added, *([own] if own.is_dir() else []), shipped_conf()]
    return list(dict.fromkeys(folder.resolve() for folder in folders))


def add_conf_folder(folder: Path) -> None:
    """Search `folder` before every other one, until this process ends."""
    _added.insert(0, folder)


def groups() -> list[str]:
    """Every configuration group; named sweeps are none: they hold words for several runs."""
    return sorted((*GROUPS, "recipe"))


def options(group: str) -> dict[str, Path]:
    """Each option of a group with its file, the one that wins."""
    found: dict[str, Path] = {}
    for folder in reversed(conf_folders()):
        found |= {p.stem: p for p in sorted((folder / group).glob("*.yaml"))}
    return dict(sorted(found.items()))


def first_line(file: Path) -> str:
    """The one line that says what an option is: its first comment that is no command."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            text = line.removeprefix("#").strip()
            if line.startswith("#") and text and not text.startswith(("python -m", "@package")):
                return text
    return ""
