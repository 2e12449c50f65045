"""Model error against policy shift, for growing data: the slope d eps_m' / d eps_pi.

Drawn for chapter 5, after figure 1 of the paper.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words


class Frame(NamedTuple):
    """Which of the counts is brought forward."""

    which: int


def build(
    shifts: np.ndarray, errors: np.ndarray, slopes: np.ndarray, counts: Sequence[int]
) -> Draw[Frame]:
    """Return a function that draws one frame, with one of the `counts` brought forward.

    `shifts` has shape (shift,), `errors` (seed, count, shift), `slopes` (seed, count).
    """
    with style.style():
        figure, (left, right) = sheet.beside(9.4, 3.8, ratios=(1.4, 1))
        means = errors.mean(axis=0)
        for curve, count in zip(means, counts, strict=True):
            left.plot(shifts, curve, color=style.GREY, lw=1)
            left.annotate(
                f"{count:,}", (shifts[-1], curve[-1]), (4, 0), textcoords="offset points",
                va="center", fontsize=9, color=style.DARK,
            )  # fmt: skip
        (chosen,) = left.plot(shifts, means[0], "o-", color=style.BLUE, lw=2, ms=5)
        (line,) = left.plot(
            shifts, means[0], "--", color=style.RED, lw=1.6, label=words("shift.line")
        )
        left.set(xlim=(0, shifts[-1] * 1.14), ylim=(0, 1.08 * means.max()))
        left.set_xlabel(words("shift.eps_pi"))
        left.set_ylabel(words("shift.eps_m_prime"))
        left.set_title(words("shift.errors_title"))
        left.legend(loc="upper left")
        low, middle, high = slopes.min(axis=0), slopes.mean(axis=0), slopes.max(axis=0)
        right.fill_between(counts, low, high, color=style.RED, alpha=0.15, lw=0)
        right.loglog(counts, middle, "--", color=style.RED, lw=1.6)
        (point,) = right.plot(counts[:1], middle[:1], "o", color=style.RED, mec=style.WHITE, ms=9)
        right.set_xlabel(words("branches.count"))
        right.set_title(words("shift.slope_title"))

    def move(frame: Frame) -> None:
        which = frame.which
        chosen.set_ydata(means[which])
        line.set_ydata(means[which, 0] + middle[which] * shifts)
        point.set_data([counts[which]], [middle[which]])

    return drawing(figure, ([chosen, line, point], move))
