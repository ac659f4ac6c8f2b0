"""Axes over several powers of ten, with ticks for people."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_TICKS = 6
WIDE = 10.0  # the largest over the smallest value from which on a logarithm shows more
SHORT = 1000.0  # below that, powers of ten alone are too few ticks


def set_scale(
    axes: Axes, axis: str, values: Sequence[float], text: Callable[[float], str] | None = None
) -> None:
    """Make axis "x" or "y" logarithmic where `values` span a power of ten or more.

    Zeros among them keep their place at the end of the axis. text: of a tick.
    """
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullFormatter

    one = axes.xaxis if axis == "x" else axes.yaxis
    scale = axes.set_xscale if axis == "x" else axes.set_yscale
    above = [value for value in values if value > 0]
    if above and min(values) >= 0 and max(above) >= WIDE * min(above):
        if min(values) > 0:
            scale("log")
            few = max(above) < SHORT * min(above)
            one.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        else:
            powers = _powers_of_ten(above)
            scale("symlog", linthresh=powers[0], linscale=0.6)
            one.set_major_locator(FixedLocator([0.0, *powers]))
        one.set_minor_formatter(NullFormatter())
    else:
        one.set_major_locator(MaxNLocator(MOST_TICKS))
    one.set_major_formatter(lambda value, _: (text or short_number)(value))


def _powers_of_ten(values: Sequence[float]) -> list[float]:
    least, most = (math.floor(math.log10(value)) for value in (min(values), max(values)))
    return [10.0**power for power in range(least, most + 1)]


def short_number(value: float) -> str:
    """0.001, 12, 1k, 2.5M."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"
