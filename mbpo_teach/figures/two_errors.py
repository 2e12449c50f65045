"""How far imagined states stray from real ones over time, under one and the same policy.

Drawn for chapter 4, where it tells policy shift from compounding error.
"""

from typing import NamedTuple

import numpy as np

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words


class Frame(NamedTuple):
    """`distances` of imagined and real state, and their `ceilings`, both (time,)."""

    distances: np.ndarray
    ceilings: np.ndarray


def build(*, steps: int) -> Draw[Frame]:
    """Return a function that draws one frame, of the times 0 to `steps`."""
    times = np.arange(steps + 1)
    with style.style():
        figure = sheet.single(7.6, 3.5)
        axes = figure.subplots()
        (ceiling,) = axes.plot(
            times, times, ":", color=style.BLACK, label=words("two_errors.ceiling")
        )
        (distance,) = axes.plot(
            times, times, ".-", color=style.RED, label=words("two_errors.distance")
        )
        axes.set(xlim=(0, steps), ylim=(-0.02, 0.6))
        axes.set_xlabel(words("two_errors.time"))
        axes.set_ylabel(words("two_errors.tv"))
        axes.legend(loc="upper right")

    def move(frame: Frame) -> None:
        distance.set_ydata(frame.distances)
        ceiling.set_ydata(frame.ceilings)

    return drawing(
        figure, ([ceiling, distance], move), followed=[distance], guess=(axes, "y"), read=[axes]
    )
