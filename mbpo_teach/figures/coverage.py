"""How little of a continuous world a table has seen. Drawn for chapter 1."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.colors import ListedColormap

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words


class Frame(NamedTuple):
    """A number of `bins` per dimension, and which cells were `hit`, (angle, speed)."""

    bins: int
    hit: np.ndarray


def build(
    *,
    low: np.ndarray,
    high: np.ndarray,
    bins: Sequence[int],
    visited: np.ndarray,
    known: np.ndarray,
) -> Draw[Frame]:
    """Return a function that draws one frame, for one of `bins`.

    Parameters
    ----------
    low, high
        The ranges of angle and speed that are cut, shape (2,), in rad and rad/s.
    bins
        The numbers of bins per dimension on the horizontal axis.
    visited, known
        For each of `bins`: the share of cells visited, and the share of new data in them.
    """
    with style.style():
        figure, (left, right) = sheet.beside(9.2, 3.6, ratios=(1, 1.25))
        extent = (low[0], high[0], low[1], high[1])
        seen = left.imshow(
            np.zeros((1, 1)), cmap=ListedColormap([style.WHITE, style.SKY]), vmin=0, vmax=1,
            extent=extent, origin="lower", aspect="auto", interpolation="nearest",
        )  # fmt: skip
        left.set(xlim=extent[:2], ylim=extent[2:])
        left.set_xlabel(words("coverage.angle"))
        left.set_ylabel(words("coverage.speed"))
        left.set_title(words("coverage.seen"))
        right.plot(bins, known, color=style.BLUE, lw=1.8, label=words("coverage.known"))
        right.plot(
            bins,
            visited,
            color=style.ORANGE,
            linestyle="--",
            lw=1.8,
            label=words("coverage.visited"),
        )
        (dots,) = right.plot([], [], color=style.RED, marker="o", linestyle="none")
        right.set_xscale("log")
        right.set_xticks(bins[::3], labels=[str(b) for b in bins[::3]])
        right.minorticks_off()
        right.set(ylim=(-0.02, 1.02))
        right.set_xlabel(words("coverage.bins"))
        right.set_title(words("coverage.share"))
        right.legend(loc="lower left")
    order = list(bins)

    def move(frame: Frame) -> None:
        seen.set_data(frame.hit.T)  # imshow's rows run along the vertical axis
        at = order.index(frame.bins)
        dots.set_data([frame.bins] * 2, [visited[at], known[at]])

    return drawing(figure, ([seen, dots], move))
