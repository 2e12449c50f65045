"""A measurement of e(k), and how many starts each of its points rests on.

Drawn for chapter 7.
"""

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mbpo_teach.figures import style
from mbpo_teach.figures.axes import plain_log
from mbpo_teach.figures.still import Still
from mbpo_teach.figures.style import words
from mbpo_teach.model.errors import quantiles

LEVEL = 0.9


def measured_picture(world: str, errors: np.ndarray, *, yardstick: float) -> Still:
    """Show errors (start, k), k from 1: each start, the median, nine in ten, how many have step k.

    NaN after the end of a real episode. `yardstick` is a length in the units of the errors: how far
    the world itself moves in a step.
    """
    k = np.arange(1, errors.shape[1] + 1)
    running = (~np.isnan(errors)).sum(axis=0)
    middle, upper = quantiles(torch.from_numpy(errors), (0.5, LEVEL)).numpy()
    with style.style():
        figure = Figure(figsize=(8.4, 5.2))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        for start, one in enumerate(errors):
            label = None if start else words("measured.start")
            above.plot(k, one, color=style.GREY, lw=0.5, alpha=0.5, label=label)
        above.plot(k, middle, "o-", color=style.BLUE, lw=2, ms=5, label=words("measured.median"))
        above.plot(k, upper, "s--", color=style.RED, lw=2, ms=5, label=words("measured.upper"))
        above.axhline(yardstick, color=style.BLACK, ls=":", lw=1.4, label=words("measured.step"))
        above.set_yscale("log")
        plain_log(above.yaxis)
        above.set_title(words("measured.title", world=world))
        above.legend(loc="lower right")
        bars = below.bar(k, running, color=style.SKY, width=0.7)
        below.bar_label(bars, fontsize=9)
        below.set(xlim=(0.4, len(k) + 0.6), ylim=(0, 1.35 * len(errors)), yticks=[])
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        below.set_title(words("measured.running_title"))
        below.set_xlabel(words("measured.k"))
    said = [words("measured.say", world=world, starts=len(errors), step=yardstick)]
    said += [
        words("measured.point", k=each, running=count, middle=mid, upper=up)
        for each, count, mid, up in zip(k, running, middle, upper, strict=True)
        if count
    ]
    return Still(figure, "\n".join(said))
