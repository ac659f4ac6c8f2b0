"""Lets Hydra find the user's own ./conf before the configuration that ships."""

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from tunebook.folders import conf_folders


class TunebookConf(SearchPathPlugin):
    """Puts every configuration folder of Tunebook in front, the one that wins first."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Called by Hydra before it composes anything, for every program that uses Hydra."""
        if not any(
            entry.provider == "main" and _ours(entry.path) for entry in search_path.get_path()
        ):
            return
        for folder in reversed(conf_folders()):
            search_path.prepend("tunebook", f"file://{folder}")


def _ours(path: str | None) -> bool:
    return path is not None and path.removeprefix("file://") == str(conf_folders()[-1])
