"""How far imagined states stray from real ones over time, under one and the same policy.

Drawn for chapter 4, where it tells policy shift from compounding error.
"""

from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure

from mbpo_teach.figures import style
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.style import words


def build(*, steps: int) -> Callable[[np.ndarray, np.ndarray], Plate]:
    """Return a function ``(distances, ceilings) -> plate``, both of shape (steps + 1,)."""
    times = np.arange(steps + 1)
    with style.style():
        figure = Figure(figsize=(7.6, 3.5))
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
        plate = Plate(figure, [ceiling, distance])

    def draw(distances: np.ndarray, ceilings: np.ndarray) -> Plate:
        distance.set_ydata(distances)
        ceiling.set_ydata(ceilings)
        return plate

    return draw
