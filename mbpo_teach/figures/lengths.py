"""The branched return at every length, and its true gap under theorem 4.3's penalty.

Left, eta_k against k, zoomed to its own range with the numbers at the lines; right, the exact gap
|eta - eta_k| and the penalties as shares of the trivial level, on a logarithmic scale. Drawn for
chapter 5.
"""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import WHOLE, mark_best, shade_vacuous
from mbpo_teach.figures.levels import zoomed
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.style import words

_WIDTH = 9.8
_LOWEST, _HIGHEST = 1e-7, 1e3


class Frame(NamedTuple):
    """What one frame shows, in units of return.

    `branched` (eta_k), `gap` |eta - eta_k|, `penalty` and `tight` have shape (length,), for
    k = 0, 1, ...; `whole` is the penalty of whole rollouts with the same eps_m'; `true_return` is
    eta, `model_return` eta with a hat, `trivial` the trivial level, `best` k*, perhaps infinite,
    `truly_best` the shortest length with the smallest gap, and `k` the reader's choice.
    """

    k: int
    branched: np.ndarray
    gap: np.ndarray
    penalty: np.ndarray
    tight: np.ndarray
    whole: float
    true_return: float
    model_return: float
    trivial: float
    best: float
    truly_best: int


def build(*, longest: int) -> Draw[Frame]:
    """Return a function that draws one frame; its arrays go up to k = `longest`."""
    with style.style():
        figure, (left, right) = sheet.beside(_WIDTH, 4.2)
        panels = _return_panel(left, longest), _gap_panel(right, longest)
        sheet.name_below(figure, [left, right], 3, _WIDTH)
        return drawing(figure, *panels)


def _return_panel(axes: Axes, longest: int) -> Panel[Frame]:
    k = np.arange(longest + 1)
    (branched,) = axes.plot(
        k, np.zeros(longest + 1), color=style.GREEN, lw=2, label=words("lengths.branched")
    )
    lines, numbers, zoom = zoomed(axes, branched, longest=longest, middle=0.6, digits=4)
    (point,) = axes.plot(0, 0, "o", color=style.GREEN, mec=style.WHITE, ms=9, **WHOLE)
    axes.set_ylim(-0.14, 1.16)
    axes.set_title(words("bounds.branched_title"))

    def move(frame: Frame) -> None:
        point.set_data([frame.k], [zoom(frame)[frame.k]])

    return [*lines, branched, point, *numbers], move


def _gap_panel(axes: Axes, longest: int) -> Panel[Frame]:
    k = np.arange(longest + 1)
    blank = np.ones(longest + 1)
    shade_vacuous(axes, _HIGHEST)
    axes.text(
        0.98, 0.6 * _HIGHEST, words("lengths.vacuous"), transform=axes.get_yaxis_transform(),
        ha="right", va="top", color=style.DARK, fontsize=9,
    )  # fmt: skip
    (penalty,) = axes.plot(k, blank, color=style.BLACK, lw=2, label=words("branches.total"))
    (tight,) = axes.plot(k, blank, "--", color=style.GREEN, lw=1.8, label=words("branches.tight"))
    (whole,) = axes.plot(k, blank, color=style.GREEN, lw=2.2, label=words("branches.whole"))
    (gap,) = axes.plot(k, blank, color=style.RED, lw=1.8, label=words("lengths.gap"))
    (best,) = axes.plot(1, 1, "v", color=style.BLACK, mec=style.WHITE, ms=11, label="$k^*$")
    (truly,) = axes.plot(
        1, 1, "*", color=style.RED, mec=style.WHITE, ms=15, label=words("lengths.truly_best")
    )
    here = axes.axvline(0, color=style.BLACK, lw=1, ls=":")
    axes.set(xlim=(0, longest), yscale="log", ylim=(_LOWEST, _HIGHEST))
    axes.set_xlabel(words("bounds.length"))
    axes.set_title(words("lengths.gap_title"))

    def move(frame: Frame) -> None:
        penalties = frame.penalty / frame.trivial
        gaps = np.maximum(frame.gap / frame.trivial, _LOWEST)
        penalty.set_ydata(np.maximum(penalties, _LOWEST))
        tight.set_ydata(np.maximum(frame.tight / frame.trivial, _LOWEST))
        whole.set_ydata(blank * max(frame.whole / frame.trivial, _LOWEST))
        gap.set_ydata(gaps)
        mark_best(best, frame.best, np.maximum(1.6 * penalties, _LOWEST))
        truly.set_data([frame.truly_best], [gaps[frame.truly_best]])
        here.set_xdata([frame.k] * 2)

    return [penalty, tight, whole, gap, here, best, truly], move
