"""The branched return against the length of branches, zoomed to its own range.

From the lowest return in the frame to the highest, whatever they are, with the numbers written at
the lines: on a scale that all frames share they could not be told apart. Part of the figures of
chapters 4 and 5.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Annotation

from mbpo_teach.figures import style
from mbpo_teach.figures.style import words

_ROUNDING = 1e-9


class Returns(Protocol):
    """`branched` is eta_k for k = 0, 1, ..., (length,); `model_return` is eta with a hat."""

    @property
    def branched(self) -> np.ndarray: ...  # noqa: D102

    @property
    def true_return(self) -> float: ...  # noqa: D102

    @property
    def model_return(self) -> float: ...  # noqa: D102


def zoomed(
    axes: Axes, branched: Line2D, *, longest: int, middle: float, digits: int
) -> tuple[Sequence[Artist], Sequence[Artist], Callable[[Returns], np.ndarray]]:
    """Draw lines at the model's return, the true one and that of the data-collecting policy.

    Returns the lines, their numbers, and the function that moves both and the curve `branched`, and
    gives the heights of its points, (length,). `middle` says where the true return's number stands,
    in shares of the axes; `digits` is how many decimals the numbers have.
    """
    lines, symbols, numbers = list[Line2D](), list[Annotation](), list[Annotation]()
    room = 12 + 6 * (digits + 3)  # points that " = -0.123" takes
    for symbol, colour, dashes, where, align in (
        (r"$\hat{\eta}[\pi]$", style.ORANGE, "--", 0.98, "bottom"),
        (r"$\eta[\pi]$", style.BLUE, "-", middle, "top"),
        (r"$\eta[\pi_D]$", style.PURPLE, ":", 0.98, "top"),
    ):
        lines.append(axes.plot([0, longest], [0, 0], dashes, color=colour)[0])
        # Apart: mathtext that changes is parsed anew, which takes longer than all else together.
        for artists, text, aligned in ((symbols, symbol, "right"), (numbers, "", "left")):
            artists.append(
                axes.annotate(
                    text, (where, 0), (-room, 3 if align == "bottom" else -3),
                    ("axes fraction", "data"), textcoords="offset points", ha=aligned, va=align,
                    color=style.DARK, fontsize=9.5,
                )
            )  # fmt: skip
    axes.set(xlim=(0, longest), yticks=[])
    axes.set_xlabel(words("bounds.length"))

    def move(frame: Returns) -> np.ndarray:
        levels = [frame.model_return, frame.true_return, frame.branched[0]]
        low = min(*levels, frame.branched.min())
        span = max(*levels, frame.branched.max()) - low
        # A range of rounding errors is no range: all is drawn as equal.
        span = span if span > _ROUNDING * max(1.0, abs(low)) else 1.0
        heights = np.asarray((frame.branched - low) / span)
        branched.set_ydata(heights)
        for line, symbol, number, level in zip(lines, symbols, numbers, levels, strict=True):
            height = (level - low) / span
            line.set_ydata([height, height])
            number.set_text(f" = {level:.{digits}f}")
            symbol.xy = number.xy = (number.xy[0], height)
        return heights

    return lines, [*symbols, *numbers], move
