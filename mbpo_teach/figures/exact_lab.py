"""The exact lab's three panels: returns with the band C, the map of C, and the branched return.

Returns are drawn as shares of r_max / (1 - gamma), the largest return there can be, so that the
axes stay put while gamma and r_max move; the labels at the returns' axis carry the units.
Drawn for chapter 4.
"""

from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.ticker import PercentFormatter

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.levels import zoomed
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.style import words
from mbpo_teach.theory import bounds

_CELLS = 120


class Frame(NamedTuple):
    """What one frame of the lab shows. Returns and bounds are in units of return.

    `shifts` is the grid of policy shifts, shape (shift,), on which `true_returns`,
    `model_returns` and `bound` are given; `branched` holds eta_k for k = 0, 1, ..., shape (k,).
    """

    gamma: float
    r_max: float
    eps_m: float
    eps_m_prime: float
    eps_pi: float
    shifts: np.ndarray
    true_returns: np.ndarray
    model_returns: np.ndarray
    bound: np.ndarray
    true_return: float
    model_return: float
    branched: np.ndarray

    @property
    def largest_return(self) -> float:
        """No return lies outside plus or minus this."""
        return float(bounds.largest_return(gamma=self.gamma, r_max=self.r_max))


def build(*, shifts: np.ndarray, max_eps_m: float, lengths: int) -> Draw[Frame]:
    """Return a function that draws one frame on axes which never move.

    `shifts` and `max_eps_m` are the largest ranges of the sliders; `lengths` is the number of
    rollout lengths in a frame's `branched`.
    """
    with style.style():
        figure, (left, middle, right) = sheet.beside(10.2, 4.2, ratios=(1.25, 1, 1))
        return drawing(
            figure,
            _returns_panel(left, shifts),
            _map_panel(middle, max_eps_m, float(shifts[-1])),
            _branched_panel(right, lengths),
        )


def _returns_panel(axes: Axes, shifts: np.ndarray) -> Panel[Frame]:
    blank = np.zeros_like(shifts)
    band = axes.fill_between(
        shifts, blank, blank, color=style.SKY, alpha=0.3, lw=0, label=words("bounds.band")
    )
    # Over the band, which fills all of this part: below it grey would look blue.
    vacuous = axes.axvspan(
        0, 1, color=style.PALE, alpha=0.85, lw=0, label=words("bounds.says_nothing")
    )
    (model,) = axes.plot(shifts, blank, "--", color=style.ORANGE, label=words("bounds.model"))
    (true,) = axes.plot(shifts, blank, color=style.BLUE, label=words("bounds.true"))
    (gap,) = axes.plot([0, 0], [0, 0], color=style.RED, lw=3, label=words("bounds.gap"))
    gap.set(clip_on=False, in_layout=False)
    (here,) = axes.plot([0, 0], [-1.1, 1.1], ":", color=style.BLACK, lw=1)
    for level in (-1, 1):
        axes.axhline(level, color=style.GREY, lw=0.8)
    axes.set(xlim=(0, shifts[-1]), ylim=(-1.1, 1.1), yticks=(-1, 0, 1))
    axes.set_xlabel(words("bounds.eps_pi"))
    axes.set_title(words("bounds.returns_title"))
    legend_below(axes, 0.06, 0.17, ncols=sheet.columns(2, 10.2), handlelength=1.6)
    # Room for the widest label; the labels at the two ends are then redrawn with each frame.
    axes.set_yticklabels(["−20.00", "0", "20.00"])
    ends = []
    for label, tick in zip(axes.get_yticklabels(), (-1, 0, 1), strict=True):
        if tick:
            label.set_color("none")
            ends.append(
                axes.annotate(
                    "", (0, tick), (-6, 0), ("axes fraction", "data"),
                    textcoords="offset points", ha="right", va="center",
                )
            )  # fmt: skip

    def move(frame: Frame) -> None:
        largest = frame.largest_return
        width = frame.bound / largest
        middle = frame.model_returns / largest
        band.set_data(shifts, middle - width, middle + width)
        model.set_ydata(middle)
        true.set_ydata(frame.true_returns / largest)
        gap.set_data(
            [frame.eps_pi] * 2, [frame.true_return / largest, frame.model_return / largest]
        )
        here.set_xdata([frame.eps_pi] * 2)
        # Theorem 4.1 says nothing from here on.
        vacuous.set_x(max(0.0, bounds.vacuity_threshold(gamma=frame.gamma, eps_m=frame.eps_m)))
        for label, sign in zip(ends, ("−", ""), strict=True):
            label.set_text(f"{sign}{largest:.3g}")

    return [band, vacuous, model, true, gap, here, *ends], move


def _map_panel(axes: Axes, max_eps_m: float, max_eps_pi: float) -> Panel[Frame]:
    eps_m = (np.arange(_CELLS) + 0.5) / _CELLS * max_eps_m
    eps_pi = (np.arange(_CELLS) + 0.5) / _CELLS * max_eps_pi
    colours = mpl.colormaps["viridis"].with_extremes(over=style.PALE)
    # Coloured here and not by matplotlib, which takes four times as long to redraw numbers.
    image = axes.imshow(
        colours(np.zeros((_CELLS, _CELLS)), bytes=True),
        extent=(0, max_eps_m, 0, max_eps_pi),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    (line,) = axes.plot([0, 0], [0, 0], color=style.BLACK, lw=1)
    (data_point,) = axes.plot(
        0, 0, "o", color=style.RED, mec=style.WHITE, ms=9, label=words("bounds.point_data")
    )
    (policy_point,) = axes.plot(
        0, 0, "D", color="none", mec=style.RED, ms=8, label=words("bounds.point_policy")
    )
    for point in (data_point, policy_point):
        # At the end of a slider half of the mark lies outside the map.
        point.set(clip_on=False, in_layout=False)
    axes.set(xlim=(0, max_eps_m), ylim=(0, max_eps_pi))
    axes.set_xlabel(words("bounds.eps_m"))
    axes.set_ylabel(words("bounds.eps_pi"))
    axes.set_title(words("bounds.map_title"))
    bar = axes.figure.colorbar(
        ScalarMappable(cmap=colours), ax=axes, fraction=0.06, pad=0.03, extend="max"
    )
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.fill_between([], [], color=style.PALE, label=words("bounds.says_nothing"))
    legend_below(axes, 0.06, 0.17, handlelength=1.6)

    def move(frame: Frame) -> None:
        bound = bounds.performance_bound(
            gamma=frame.gamma, r_max=1, eps_m=eps_m, eps_pi=eps_pi[:, None]
        )
        share = bound / bounds.trivial_level(gamma=frame.gamma, r_max=1)
        image.set_data(colours(np.where(share >= 1, 2.0, share), bytes=True))
        edge = np.array([0.0, max_eps_m])
        line.set_data(edge, bounds.vacuity_threshold(gamma=frame.gamma, eps_m=edge))
        data_point.set_data([frame.eps_m], [frame.eps_pi])
        policy_point.set_data([frame.eps_m_prime], [frame.eps_pi])
        policy_point.set_visible(frame.eps_m_prime <= max_eps_m + 1e-9)

    return [image, line, data_point, policy_point], move


def _branched_panel(axes: Axes, lengths: int) -> Panel[Frame]:
    k = np.arange(lengths)
    (branched,) = axes.plot(k, np.zeros(lengths), ".-", color=style.GREEN, ms=4)
    lines, numbers, zoom = zoomed(axes, branched, longest=lengths - 1, middle=0.62, digits=3)
    axes.set_ylim(-0.14, 1.12)
    axes.set_title(words("bounds.branched_title"), color=style.GREEN)

    def move(frame: Frame) -> None:
        zoom(frame)

    return [*lines, branched, *numbers], move
