"""Rounds of accepted and refused offers, and the true return, which never drops.

Left the learner who trusts theorem 4.3, right the one who trusts whole rollouts with the same
eps_m'. Drawn for chapter 5.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.style import words
from mbpo_teach.theory.improvement import Offer, Round

_LOWEST = -0.3


class Climb(NamedTuple):
    """One learner's rounds, the true return before them, and the best that any policy has."""

    rounds: Sequence[Round]
    first: float
    best: float

    @property
    def last(self) -> float:
        """The true return after the rounds."""
        return self.rounds[-1].true_return

    @property
    def accepted(self) -> list[Offer]:
        """The offers that were accepted, in order."""
        return [each.offer for each in self.rounds if each.accepted]


class Frame(NamedTuple):
    """The learner who trusts theorem 4.3, and the one who trusts whole rollouts."""

    branched: Climb
    whole: Climb


def build(*, rounds: int) -> Draw[Frame]:
    """Return a function that draws one frame of so many rounds, as shares of the best return."""
    with style.style():
        figure, (left, right) = sheet.beside(9.8, 4.4, sharey=True)
        panels = [_panel(axes, number, rounds) for number, axes in enumerate((left, right))]
        left.set_ylabel(words("climb.share"))
        left.set_title(words("branches.total"))
        right.set_title(words("branches.whole"))
        figure.legend(
            *left.get_legend_handles_labels(),
            loc="outside lower center",
            ncols=sheet.columns(3, 9.8),
        )
        return drawing(figure, *panels)


def _panel(axes: Axes, number: int, rounds: int) -> Panel[Frame]:
    axes.axhline(1, color=style.GREY, lw=1, label=words("climb.best"))
    (true,) = axes.step(
        np.arange(rounds + 1), np.zeros(rounds + 1), where="post", color=style.BLUE, lw=2.6,
        label=words("climb.true"),
    )  # fmt: skip
    (promised,) = axes.plot(
        0, 0, "_", color=style.ORANGE, mew=2.5, ms=12, label=words("climb.promised")
    )
    (accepted,) = axes.plot(
        0, 0, "^", color=style.GREEN, mec=style.WHITE, ms=11, label=words("climb.accepted")
    )
    (refused,) = axes.plot(0, 0, "x", color=style.RED, mew=2, ms=8, label=words("climb.refused"))
    axes.set(xlim=(0, rounds + 0.5), ylim=(_LOWEST, 1.12))
    axes.set_xticks(range(0, rounds + 1, 2))
    axes.set_xlabel(words("climb.round"))

    def move(frame: Frame) -> None:
        found, first, best = frame[number]
        true.set_ydata(np.array([first, *(each.true_return for each in found)]) / best)
        times = np.arange(1, len(found) + 1)
        # A guarantee far below the picture is drawn at its lower edge.
        guarantees = np.maximum([each.offer.guarantee / best for each in found], _LOWEST + 0.03)
        taken = np.array([each.accepted for each in found])
        accepted.set_data(times[taken], guarantees[taken])
        refused.set_data(times[~taken], guarantees[~taken])
        promised.set_data(times, [each.offer.imagined_return / best for each in found])

    return [true, promised, refused, accepted], move
