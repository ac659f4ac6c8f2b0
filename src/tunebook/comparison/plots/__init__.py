"""Figures of a comparison: score against cost, learning curves, curves over a swept setting.

    from tunebook.comparison.plots import figures_of, write_plots
    write_plots(comparison.tables(loaded.runs), Path("plots"))

The same figures go into report.html (`inline_svg`) and into files for papers (`write_plots`).
"""

from tunebook.comparison.plots.figure import Figure
from tunebook.comparison.plots.output import figures_of, inline_svg, write_plots

__all__ = ["Figure", "figures_of", "inline_svg", "write_plots"]
