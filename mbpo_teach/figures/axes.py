"""What figures do to their axes alike: plain numbers on logarithmic ones, limits, legends below."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, Locator, LogLocator

from mbpo_teach.figures import style

WHOLE: dict[str, Any] = {"clip_on": False, "in_layout": False}
"""The look of a mark that moves to the end of its axes: drawn whole there, not cut in half."""


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


def shade_vacuous(axes: Axes, top: float, label: str | None = None) -> None:
    """Shade where a penalty, as a share of the trivial level, says nothing: from 1 to `top`."""
    axes.axhspan(1, top, color=style.GREY, alpha=0.16, lw=0, label=label)


def mark_best(mark: Line2D, best: float, heights: np.ndarray) -> None:
    """Put a mark on k*, at its place among `heights` (length,); nowhere if it lies beyond them."""
    beyond = best >= len(heights)
    mark.set_data([np.nan if beyond else best], [np.nan if beyond else heights[int(best)]])
