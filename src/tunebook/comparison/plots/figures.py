"""Which figures a table has."""

from __future__ import annotations

from tunebook.comparison.plots.figure import Figure
from tunebook.comparison.plots.learning import learning_figure
from tunebook.comparison.plots.pareto import pareto_figures
from tunebook.comparison.plots.swept import swept_figures
from tunebook.comparison.table import Table


def figures_of(table: Table) -> list[Figure]:
    """The figures that say something about this table: those with two points or more."""
    learning = learning_figure(table)
    return [*pareto_figures(table), *swept_figures(table), *([learning] if learning else [])]
