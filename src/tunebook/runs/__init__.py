"""The run folder: the contract between training, comparison, prediction and people."""

from tunebook.runs.folder import RunFolder, open_folder, path_of
from tunebook.runs.yaml_text import settings_text

__all__ = ["RunFolder", "open_folder", "path_of", "settings_text"]
