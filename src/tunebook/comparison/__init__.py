"""Finished runs side by side: which method wins, and is the difference real?

    from tunebook import comparison
    loaded = comparison.load(["outputs"])
    print(comparison.render(comparison.tables(loaded.runs), "markdown"))

`load` reads run folders, `tables` puts those that are comparable into one table a task, `render`
writes tables as text. Nothing here imports torch; numpy, scipy and pandas come when they are used.
"""

from tunebook.comparison.building import sort, tables
from tunebook.comparison.filters import Filter
from tunebook.comparison.loading import Loaded, Skipped, load
from tunebook.comparison.rendering import FORMATS, render
from tunebook.comparison.run import Run
from tunebook.comparison.table import Row, Table

__all__ = ["FORMATS", "Filter", "Loaded", "Row", "Run", "Skipped", "Table"]
__all__ += ["load", "render", "sort", "tables"]
