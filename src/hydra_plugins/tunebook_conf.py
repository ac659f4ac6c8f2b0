"""Lets Hydra find the user's own ./conf before the configuration that ships, and read it safely."""

from pathlib import Path

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import OmegaConf

from tunebook.folders import OPTIONS, conf_folders
from tunebook.settings.written import read_option

SCHEME = "tunebook"


class TunebookConf(SearchPathPlugin):
    """Puts every configuration folder of Tunebook in front, the one that wins first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra before it composes anything, for every program that uses Hydra."""
        if not any(
            entry.provider == "main" and _ours(entry.path) for entry in search_path.get_path()
        ):
            return
        for folder in reversed(conf_folders()):
            search_path.prepend("tunebook", f"{SCHEME}://{folder}")


def _ours(path: str | None) -> bool:
    return path is not None and path.removeprefix("file://") == str(conf_folders()[-1])


class TunebookSource(FileConfigSource):
    """Options and recipes of a folder, each read by Tunebook's own reader.

    Hydra sees nothing else there: no configuration of Hydra's own, and none of the whole program.
    """

    @staticmethod
    def scheme() -> str:
        """Called by Hydra."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Called by Hydra. Raises RequestError for a file that holds more than keys of a run."""
        group, _, name = config_path.partition("/")
        found = read_option(Path(self.path) / group / self._normalize_file_name(name), group)
        return ConfigResult(
            config=OmegaConf.create(found),
            path=self.full_path(),
            provider=self.provider,
            header={"package": None},
        )

    def is_config(self, config_path: str) -> bool:
        """Called by Hydra."""
        group, _, name = config_path.partition("/")
        return bool(OPTIONS.fullmatch(name) and self.is_group(group)) and super().is_config(
            config_path
        )

    def is_group(self, config_path: str) -> bool:
        """Called by Hydra."""
        allowed = not config_path or (OPTIONS.fullmatch(config_path) and config_path != "hydra")
        return bool(allowed) and super().is_group(config_path)
