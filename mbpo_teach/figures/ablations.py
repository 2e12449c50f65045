"""One setting at a time, moved around the preset: learning curves, and what each value came to.

Drawn for chapter 7.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mbpo_teach.figures import style
from mbpo_teach.figures.plate import Plate
from mbpo_teach.figures.style import words

_DASHES = ("-", "--", "-.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """What became of the values of one setting in one world.

    `values` (value,), `steps` (report,), `means` (value, seed, report), `seconds` (value, seed) at
    the end; `preset` is the place of the preset's value among `values`; `lowest` and `highest`
    limit the returns that are drawn.
    """

    name: str
    world: str
    values: np.ndarray
    steps: np.ndarray
    means: np.ndarray
    seconds: np.ndarray
    preset: int
    lowest: float
    highest: float

    @property
    def whole(self) -> np.ndarray:
        """The mean return over all reports, (value, seed): high for whoever learns early."""
        average: np.ndarray = self.means.mean(axis=2)
        return average


def ablations_plate(factors: Sequence[Factor]) -> tuple[Plate, Callable[[Sequence[int]], None]]:
    """Return a plate of `factors` side by side; it is moved with the place of each one's value."""
    moving: list[Artist] = []
    movers = []
    with style.style():
        figure = Figure(figsize=(9.8, 5.6))
        upper, lower = figure.subplots(2, len(factors), squeeze=False)
        for place, factor in enumerate(factors):
            for axes, build in ((upper[place], _curves), (lower[place], _points)):
                artists, mover = build(axes, factor)
                moving += artists
                movers.append((place, mover))
            # The same returns as next door need no second scale.
            if place and factor.world == factors[place - 1].world:
                for axes in (upper[place], lower[place]):
                    axes.tick_params(labelleft=False)
        upper[0].set_ylabel(words("live.return"))
        lower[0].set_ylabel(words("ablation.whole"))
        handles, labels = upper[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=4)
        plate = Plate(figure, moving)

    def move(places: Sequence[int]) -> None:
        for place, mover in movers:
            mover(places[place])

    return plate, move


_Panel = tuple[list[Artist], Callable[[int], None]]


def _curves(axes: Axes, factor: Factor) -> _Panel:
    middles = np.median(factor.means, axis=1)
    for place, middle in enumerate(middles):
        label = None if place else words("ablation.others")
        axes.plot(factor.steps, middle, color=style.GREY, lw=0.8, alpha=0.55, label=label)
    axes.plot(
        factor.steps, middles[factor.preset], ":", color=style.BLACK, lw=1.8,
        label=words("ablation.preset"),
    )  # fmt: skip
    seeds = [
        axes.plot(
            factor.steps, one, _DASHES[seed % 3], color=style.SKY, lw=1.2,
            label=None if seed else words("ablation.seeds"),
        )[0]
        for seed, one in enumerate(factor.means[0])
    ]  # fmt: skip
    (middle,) = axes.plot(
        factor.steps, middles[0], color=style.BLUE, lw=2.2, label=words("ablation.median")
    )
    axes.set(xlim=(0, factor.steps[-1]), ylim=(factor.lowest, factor.highest))
    axes.set_title(words(f"ablation.{factor.name}") + "\n" + factor.world)
    axes.set_xlabel(words("live.step"))
    axes.xaxis.set_major_locator(MaxNLocator(3, prune="upper"))

    def move(place: int) -> None:
        for line, one in zip(seeds, factor.means[place], strict=True):
            line.set_ydata(one)
        middle.set_ydata(middles[place])

    return [*seeds, middle], move


def _points(axes: Axes, factor: Factor) -> _Panel:
    at = np.arange(len(factor.values))
    whole = factor.whole
    for seed in range(whole.shape[1]):
        axes.plot(at, whole[:, seed], ".", color=style.GREY, ms=6, alpha=0.8)
    axes.plot(at, np.median(whole, axis=1), ":", color=style.GREY, lw=1)
    here = axes.axvspan(-0.3, 0.3, color=style.SKY, alpha=0.25, lw=0)
    (dots,) = axes.plot([], [], "o", color=style.BLUE, ms=6, mec="white")
    axes.set_xticks(at, [f"{value:g}" for value in factor.values])
    axes.set(xlim=(-0.5, len(at) - 0.5), ylim=(factor.lowest, factor.highest))
    axes.set_xlabel(words(f"ablation.{factor.name}"))
    moving: list[Artist] = [here, dots]
    assert isinstance(dots, Line2D)

    def move(place: int) -> None:
        here.set_x(place - 0.3)
        dots.set_data(np.full(whole.shape[1], place), whole[place])

    return moving, move
