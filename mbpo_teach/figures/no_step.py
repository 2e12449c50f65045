"""Why theorem 4.1 accepts no step: the model's gain as a share of C, which never reaches one.

Drawn for chapter 4.
"""

from typing import NamedTuple

import numpy as np

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.axes import WHOLE
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words


class Frame(NamedTuple):
    """Gains and ceilings as shares of C, (shift,), and the place of the present shift."""

    gains: np.ndarray
    ceilings: np.ndarray
    here: int


def build(
    *, shifts: np.ndarray, random_gains: np.ndarray, random_ceilings: np.ndarray
) -> Draw[Frame]:
    """Return a function that draws one frame.

    `shifts` is the grid of policy shifts, (shift,); `random_gains` and `random_ceilings`, (case,),
    are a frame's two shares for random MDPs.
    """
    with style.style():
        figure, (left, right) = sheet.beside(9.6, 3.9, sharey=True)
        for axes in (left, right):
            axes.axhspan(1, 1.2, color=style.GREEN, alpha=0.18, lw=0)
            axes.text(
                0.98, 1.1, words("no_step.accepted"), transform=axes.get_yaxis_transform(),
                ha="right", va="center", color=style.DARK,
            )  # fmt: skip
            axes.axhline(1, color=style.GREEN, lw=1)
        (gain,) = left.plot(
            shifts, shifts, "--", color=style.ORANGE, lw=2, label=words("no_step.gain")
        )
        (ceiling,) = left.plot(shifts, shifts, color=style.BLACK, label=words("no_step.ceiling"))
        (point,) = left.plot(0, 0, "o", color=style.RED, ms=8, **WHOLE)
        left.set_xlim(0, shifts[-1])
        for axes in (left, right):
            axes.set_ylim(-0.2, 1.2)
        left.set_xlabel(words("bounds.eps_pi"))
        left.set_ylabel(words("no_step.share"))
        left.set_title(words("no_step.river_title"))
        # Between the two curves: the gain stays below 0.05 here, the ceiling above 0.5.
        left.legend(loc="center right", bbox_to_anchor=(1, 0.34))
        right.plot(random_ceilings, random_gains, ".", color=style.BLUE, ms=3, alpha=0.5)
        right.plot([0.5, 1], [0.5, 1], color=style.BLACK)
        right.set_xlim(0.5, 1)
        right.set_xlabel(words("no_step.ceiling"))
        right.set_title(words("no_step.random_title", count=f"{len(random_gains):,}"))

    def move(frame: Frame) -> None:
        gain.set_ydata(frame.gains)
        ceiling.set_ydata(frame.ceilings)
        point.set_data([shifts[frame.here]], [frame.gains[frame.here]])

    return drawing(figure, ([gain, ceiling, point], move))
