"""Lets Hydra find the user's own ./conf before the configuration that ships, and read it safely."""

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigLoadError, ConfigResult, ConfigSource
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


class TunebookSource(ConfigSource):
    """Options and recipes of a folder, each read by Tunebook's own reader.

    Hydra sees nothing else there: no configuration of Hydra's own, and none of the whole program.
    """

    @staticmethod
    def scheme() -> str:
        """Called by Hydra."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """Called by Hydra. Raises RequestError for a file that holds more than keys of a run."""
        file = self._file(config_path)
        if not file.is_file():
            raise ConfigLoadError(f"there is no {file}")
        return ConfigResult(
            config=OmegaConf.create(read_option(file, config_path.partition("/")[0])),
            path=self.full_path(),
            provider=self.provider,
            header={"package": None},
        )

    def available(self) -> bool:
        """Called by Hydra."""
        return Path(self.path).is_dir()

    def is_config(self, config_path: str) -> bool:
        """Called by Hydra."""
        group, _, name = config_path.partition("/")
        is_option = bool(OPTIONS.fullmatch(name)) and self.is_group(group)
        return is_option and self._file(config_path).is_file()

    def is_group(self, config_path: str) -> bool:
        """Called by Hydra."""
        allowed = not config_path or (OPTIONS.fullmatch(config_path) and config_path != "hydra")
        return bool(allowed) and (Path(self.path) / config_path).is_dir()

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Called by Hydra, to say which options there are."""
        folder = Path(self.path) / config_path
        found: list[str] = []
        for file in folder.iterdir() if folder.is_dir() else ():
            where = f"{config_path}/{file.name}" if config_path else file.name
            self._list_add_result(found, where, file.name, results_filter)
        return sorted(set(found))

    def _file(self, config_path: str) -> Path:
        return Path(self.path) / self._normalize_file_name(config_path)
