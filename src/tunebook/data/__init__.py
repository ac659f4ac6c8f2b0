"""Where examples come from: the embedded village, local files, a hub data set.

`load` gives the three splits of a run in the columns that its task names, `load_to_select` those
that a search may see. Rows are read once, checked, and kept as Arrow files in the datasets cache,
so that a million rows need little memory and the second run starts at once. Nothing heavy is
imported before one of them is called.
"""

from __future__ import annotations

from tunebook.data.examples import Examples, check_files, has_own_test, load, load_to_select

__all__ = ["Examples", "check_files", "has_own_test", "load", "load_to_select"]
