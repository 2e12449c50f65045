"""How far ahead a discount looks: the weights of coming rewards, and the largest possible return.

A reward t steps ahead counts gamma^t. The weights add up to 1 / (1 - gamma), the effective
horizon; with rewards of at most r_max no return exceeds r_max / (1 - gamma). Twice this is the
trivial level, against which chapter 04 measures every bound. Used by chapter 00.
"""

from typing import NamedTuple

import numpy as np

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.theory.bounds import largest_return

STEPS = np.arange(121)
_GAMMAS = np.linspace(0.0, 0.99, 397)


class Frame(NamedTuple):
    """A discount, in [0, 0.99]."""

    gamma: float


def build() -> Draw[Frame]:
    """Return a function that draws one frame."""
    with style.style():
        figure, (near, far) = sheet.beside(8.4, 3.2, ratios=(3, 2))

        near.set_xlim(0, STEPS[-1])
        near.set_ylim(0, 1.25)  # room above the curve for the legend
        near.set_yticks([0, 0.5, 1])
        near.set_xlabel(style.words("start.steps"))
        near.set_title(style.words("start.weight"))
        (weights,) = near.plot([], [], color=style.BLUE, linewidth=2)
        (horizon,) = near.plot(
            [], [], color=style.RED, linestyle="--", label=style.words("start.horizon")
        )
        near.legend(loc="upper right")

        far.plot(_GAMMAS, largest_return(gamma=_GAMMAS, r_max=1), color=style.GREY)
        far.set_yscale("log")
        far.set_xlim(0, 1)
        far.set_ylim(0.9, 130)
        far.set_yticks([1, 2, 5, 10, 20, 50, 100], labels=["1", "2", "5", "10", "20", "50", "100"])
        far.minorticks_off()
        far.set_xlabel(style.words("start.gamma"))
        far.set_title(style.words("start.level"))
        (here,) = far.plot([], [], color=style.RED, marker="o", linestyle="none")
        here.set(clip_on=False, in_layout=False)  # at 0 half of the dot lies outside the axes

    def move(frame: Frame) -> None:
        gamma = frame.gamma
        length = largest_return(gamma=gamma, r_max=1)
        weights.set_data(STEPS, gamma**STEPS)
        horizon.set_data([length, length], [0, 1])
        here.set_data([gamma], [length])

    return drawing(figure, ([weights, horizon, here], move), followed=[weights], guess=(near, "x"))
