"""Rounds of accepted and refused offers, and the true return, which never drops.

Drawn for chapter 5.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from mbpo_teach.figures import style
from mbpo_teach.figures.axes import legend_below
from mbpo_teach.figures.plate import Draw, drawing
from mbpo_teach.figures.style import words
from mbpo_teach.theory.improvement import Round

_LOWEST = -0.3


class Frame(NamedTuple):
    """The rounds, the true return before them, and the best that any policy has."""

    rounds: Sequence[Round]
    first: float
    best: float


def build(*, rounds: int) -> Draw[Frame]:
    """Return a function that draws one frame of so many rounds, as shares of the best return."""
    with style.style():
        figure = Figure(figsize=(8.8, 4.1))
        axes = figure.subplots()
        axes.axhline(1, color=style.GREY, lw=1, label=words("climb.best"))
        (true,) = axes.step(
            np.arange(rounds + 1), np.zeros(rounds + 1), where="post", color=style.BLUE, lw=2.6,
            label=words("climb.true"),
        )  # fmt: skip
        (promised,) = axes.plot(
            0, 0, "_", color=style.ORANGE, mew=2.5, ms=14, label=words("climb.promised")
        )
        (accepted,) = axes.plot(
            0, 0, "^", color=style.GREEN, mec="white", ms=12, label=words("climb.accepted")
        )
        (refused,) = axes.plot(
            0, 0, "x", color=style.RED, mew=2, ms=8, label=words("climb.refused")
        )
        axes.set(xlim=(0, rounds + 0.5), ylim=(_LOWEST, 1.12))
        axes.set_xticks(range(rounds + 1))
        axes.set_xlabel(words("climb.round"))
        axes.set_ylabel(words("climb.share"))
        legend_below(axes, 0.01, 0.16, ncols=3)

    def move(frame: Frame) -> None:
        found, first, best = frame
        true.set_ydata(np.array([first, *(each.true_return for each in found)]) / best)
        times = np.arange(1, len(found) + 1)
        # A guarantee far below the picture is drawn at its lower edge.
        guarantees = np.maximum([each.offer.guarantee / best for each in found], _LOWEST + 0.03)
        taken = np.array([each.accepted for each in found])
        accepted.set_data(times[taken], guarantees[taken])
        refused.set_data(times[~taken], guarantees[~taken])
        promised.set_data(times, [each.offer.branched_return / best for each in found])

    return drawing(figure, ([true, promised, refused, accepted], move))
