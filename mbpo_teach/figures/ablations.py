"""One setting at a time, moved around the preset: learning curves, and what each value came to.

Drawn for chapter 7.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mbpo_teach.algorithms.recorded import Factor
from mbpo_teach.figures import sheet, style
from mbpo_teach.figures.plate import Draw, Panel, drawing
from mbpo_teach.figures.style import words

RANGES = {"Pendulum-v1": (-1700.0, 0.0), "InvertedPendulum-v5": (0.0, 1040.0)}
"""The returns that are drawn, lowest and highest."""

_DASHES = ("-", "--", "-.")


class Frame(NamedTuple):
    """The place of each factor's present value among its values."""

    places: Sequence[int]


def build(factors: Sequence[Factor]) -> Draw[Frame]:
    """Return a function that draws one frame of `factors`, side by side."""
    panels: list[Panel[Frame]] = []
    with style.style():
        narrow = sheet.is_narrow(9.8)
        figure = sheet.single(9.8, 2.3 * len(factors) if narrow else 4.2)
        if narrow:
            upper, lower = figure.subplots(len(factors), 2, squeeze=False).T
        else:
            upper, lower = figure.subplots(2, len(factors), squeeze=False)
        for place, factor in enumerate(factors):
            panels += _curves(upper[place], factor, place), _points(lower[place], factor, place)
            # The same returns as next door need no second scale.
            if place and not narrow and factor.world == factors[place - 1].world:
                for axes in (upper[place], lower[place]):
                    axes.tick_params(labelleft=False)
        upper[0].set_ylabel(words("live.return"))
        if narrow:
            lower[0].set_title(words("ablation.whole"))
        else:
            lower[0].set_ylabel(words("ablation.whole"))
        handles, labels = upper[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=sheet.columns(4, 9.8))
        return drawing(figure, *panels)


def _curves(axes: Axes, factor: Factor, column: int) -> Panel[Frame]:
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
    axes.set(xlim=(0, factor.steps[-1]), ylim=RANGES[factor.world])
    axes.set_title(words(f"ablation.{factor.name}") + "\n" + factor.world)
    axes.set_xlabel(words("live.step"))
    axes.xaxis.set_major_locator(MaxNLocator(2 if sheet.is_narrow(9.8) else 3, prune="upper"))

    def move(frame: Frame) -> None:
        place = frame.places[column]
        for line, one in zip(seeds, factor.means[place], strict=True):
            line.set_ydata(one)
        middle.set_ydata(middles[place])

    return [*seeds, middle], move


def _points(axes: Axes, factor: Factor, column: int) -> Panel[Frame]:
    at = np.arange(len(factor.values))
    whole = factor.whole
    for seed in range(whole.shape[1]):
        axes.plot(at, whole[:, seed], ".", color=style.GREY, ms=6, alpha=0.8)
    axes.plot(at, np.median(whole, axis=1), ":", color=style.GREY, lw=1)
    here = axes.axvspan(-0.3, 0.3, color=style.SKY, alpha=0.25, lw=0)
    (dots,) = axes.plot([], [], "o", color=style.BLUE, ms=6, mec=style.WHITE)
    axes.set_xticks(at, [f"{value:g}" for value in factor.values])
    axes.set(xlim=(-0.5, len(at) - 0.5), ylim=RANGES[factor.world])
    axes.set_xlabel(words(f"ablation.{factor.name}"))

    def move(frame: Frame) -> None:
        place = frame.places[column]
        here.set_x(place - 0.3)
        dots.set_data(np.full(whole.shape[1], place), whole[place])

    return [here, dots], move
