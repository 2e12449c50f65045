"""What figures do to their axes alike: plain numbers on logarithmic ones, limits, legends below."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.legend import Legend
from matplotlib.ticker import FuncFormatter, Locator, LogLocator


def plain_log(axis: Axis, locator: Locator | None = None) -> None:
    """Label a logarithmic axis with plain numbers: 1, 2, 5, 10, ... or where `locator` says."""
    axis.set_major_locator(locator or LogLocator(subs=(1, 2, 5), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.minorticks_off()


def decades(*values: np.ndarray) -> tuple[float, float]:
    """Return the powers of ten between which all positive `values` lie."""
    flat = np.concatenate([part.ravel() for part in values])
    flat = flat[np.isfinite(flat) & (flat > 0)]
    low, high = np.floor(np.log10(flat.min())), np.ceil(np.log10(flat.max()))
    return float(10**low), float(10**high)


def legend_below(axes: Axes, left: float, down: float, **look: Any) -> Legend:
    """Put the legend under the axes, where no moving artist is drawn over it.

    `left` and `down` say how far its corner lies from that of the axes, in shares of them.
    """
    return axes.legend(loc="upper left", bbox_to_anchor=(-left, -down), **look)
